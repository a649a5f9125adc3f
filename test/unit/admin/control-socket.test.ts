import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AdminClient } from '../../../src/admin/client/client.ts';
import { discover } from '../../../src/admin/client/discovery.ts';
import { ensureToken, readToken } from '../../../src/admin/server/token.ts';
import { controlPaths, stateFolders } from '../../../src/files/state-folder.ts';
import { MemoryTarget } from './memory-target.ts';
import { openAdmin, temporaryState } from './open-admin.ts';

describe('control socket', () => {
  it('is private: folder 0700, socket and token 0600', async (test) => {
    const { paths, socket } = await openAdmin(test);
    assert.equal(socket.outcome, 'bound');
    assert.equal(statSync(paths.folder).mode & 0o777, 0o700);
    assert.equal(statSync(paths.socket).mode & 0o777, 0o600);
    assert.equal(statSync(paths.token).mode & 0o777, 0o600);
    assert.match(readFileSync(paths.token, 'utf8'), /^[\w-]{43}\n$/);
  });

  it('replaces the socket of a supervisor that was killed', async (test) => {
    const state = temporaryState(test);
    leaveDeadSocket(controlPaths(state, 'app').socket);
    const { socket, client } = await openAdmin(test, { state });
    assert.equal(socket.outcome, 'bound');
    assert.equal((await client.snapshot()).name, 'app');
  });

  it('leaves a living one alone, and a file that is not a socket', async (test) => {
    const first = await openAdmin(test);
    const second = await openAdmin(test, { state: first.state });
    assert.equal(second.socket.outcome, 'taken');
    assert.equal((await first.client.snapshot()).name, 'app');

    const foreign = controlPaths(first.state, 'notes').socket;
    writeFileSync(foreign, 'mine');
    const third = await openAdmin(test, { state: first.state, target: new MemoryTarget('notes') });
    assert.equal(third.socket.outcome, 'impossible');
    assert.equal(readFileSync(foreign, 'utf8'), 'mine');
    assert.deepEqual(
      (await discover({ TUTTI_HOME: first.state })).map((one) => one.name),
      ['app'],
    );
  });

  it('lets exactly one of many that start at the same instant have the name, over a dead socket', async (test) => {
    const state = temporaryState(test);
    leaveDeadSocket(controlPaths(state, 'app').socket);
    const all = await Promise.all(Array.from({ length: 8 }, () => openAdmin(test, { state })));
    const outcomes = all.map((one) => one.socket.outcome).sort();
    assert.deepEqual(outcomes, ['bound', ...Array(7).fill('taken')]);
    assert.equal((await all[0]?.client.snapshot())?.name, 'app');
  });

  it('is not delayed by who holds a name that can be foreseen', {
    skip: process.platform !== 'linux',
  }, async (test) => {
    const state = temporaryState(test);
    const { socket: path, folder } = controlPaths(state, 'app');
    leaveDeadSocket(path);
    const { dev, ino } = statSync(folder);
    const stranger = createServer().listen(`\0tutti/${dev}:${ino}/app.sock`);
    test.after(() => stranger.close());
    const began = performance.now();
    assert.equal((await openAdmin(test, { state })).socket.outcome, 'bound');
    assert.ok(performance.now() - began < 2000);
  });

  it('refuses a folder that belongs to somebody else', { skip: process.getuid?.() !== 0 }, async (test) => {
    const state = temporaryState(test);
    mkdirSync(join(state, 'run'), { mode: 0o700 });
    assert.equal(spawnSync('chown', ['65534', join(state, 'run')]).status, 0);
    const { socket } = await openAdmin(test, { state });
    assert.equal(socket.outcome, 'impossible');
    assert.match('reason' in socket ? socket.reason : '', /belongs to user 65534/);
  });

  it('does not use or ask a socket that belongs to somebody else', { skip: process.getuid?.() !== 0 }, async (test) => {
    const { state, paths, target } = await openAdmin(test);
    assert.equal(spawnSync('chown', ['65534', paths.socket]).status, 0);
    assert.deepEqual(await discover({ TUTTI_HOME: state }), []);
    const second = await openAdmin(test, { state, target: new MemoryTarget(target.name) });
    assert.equal(second.socket.outcome, 'impossible');
    assert.ok(existsSync(paths.socket));
  });

  it('says why when the path is too long, and goes on', async (test) => {
    const state = join(temporaryState(test), 'x'.repeat(100));
    const { socket } = await openAdmin(test, { state });
    assert.match('reason' in socket ? socket.reason : '', /allows 10[37]: set TUTTI_HOME/);
  });

  it('falls back to the lasting folder when the session folder cannot be used', (test) => {
    const folder = temporaryState(test);
    writeFileSync(join(folder, 'file'), '');
    const env = { XDG_RUNTIME_DIR: join(folder, 'file'), HOME: folder };
    assert.deepEqual(stateFolders(env), [join(folder, '.tutti')]);
    const session = { ...env, XDG_RUNTIME_DIR: join(folder, 'session') };
    assert.deepEqual(stateFolders(session), [join(folder, 'session', 'tutti'), join(folder, '.tutti')]);
    assert.deepEqual(stateFolders({ ...env, TUTTI_HOME: '/x' }), ['/x']);
  });

  it('is gone after the end, and a client says so', async (test) => {
    const { server, paths, client } = await openAdmin(test);
    await server.close();
    assert.equal(existsSync(paths.socket), false);
    await assert.rejects(client.snapshot(), { name: 'AdminClientError', kind: 'gone' });
  });

  it('closes although clients hold idle connections', async (test) => {
    const { server, paths } = await openAdmin(test);
    const idle = connect(paths.socket);
    await new Promise((resolve) => idle.once('connect', resolve));
    const closed = new Promise((resolve) => idle.once('close', resolve));
    idle.resume();
    await server.close();
    await closed;
  });
});

describe('token', () => {
  it('stays the same while nobody else could read it, and changes when somebody could', (test) => {
    const path = join(temporaryState(test), 'app.token');
    const token = ensureToken(path);
    assert.equal(ensureToken(path), token);
    chmodSync(path, 0o644);
    assert.equal(readToken(path), null);
    assert.notEqual(ensureToken(path), token);
    assert.equal(lstatSync(path).mode & 0o777, 0o600);
  });
});

describe('client', () => {
  it('tells a supervisor that does not answer from none', async (test) => {
    const state = temporaryState(test);
    await assert.rejects(new AdminClient('app', controlPaths(state, 'app')).snapshot(), { kind: 'gone' });
  });
});

/** What SIGKILL leaves behind: the file of a socket that nobody listens on. */
function leaveDeadSocket(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  assert.ok(lstatSync(path).isSocket());
}
