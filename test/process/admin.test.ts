import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readToken } from '../../src/admin/server/token.ts';
import { openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { freePort } from '../support/free-port.ts';
import { privateBytes } from '../support/processes.ts';
import { connect as rawConnect } from '../support/raw-client.ts';

const quick = ['--canary-time', '0'];

describe('the admin API of a running app', () => {
  it('is not ready from the moment a stop begins, while requests are still answered', async () => {
    await using cli = await openCli();
    const admin = await freePort();
    const flags = ['-n', 'web', '-i', '1', '--admin', String(admin), ...quick];
    await cli.ok(['start', cli.fixture('slow-response.cjs'), ...flags]);
    const probe = async (path: string) => (await fetch({ port: admin, path })).status;
    assert.deepEqual([await probe('/livez'), await probe('/readyz')], [200, 200]);
    // Half a header, so that it is in flight for as long as this test needs.
    const slow = await rawConnect(cli.port);
    slow.send('GET /?ms=0 HTTP/1.1\r\nHost: localhost\r\n');
    await eventually('the request is in flight', async () => {
      const { workers } = await cli.snapshot('web');
      return (workers[0]?.connections ?? 0) > 0;
    });
    const stop = cli.begin(['stop', 'web']);
    await eventually('the stop has begun', async () => (await cli.snapshot('web')).state === 'stopping');
    assert.deepEqual([await probe('/livez'), await probe('/readyz')], [200, 503]);
    slow.send('\r\n');
    await slow.until('the answer', ({ answers }) => answers === 1);
    assert.equal((await stop.finished).code, 0);
    await assert.rejects(probe('/livez'));
  });

  it('publishes metrics and demands the token for commands on TCP', async () => {
    await using cli = await openCli();
    const admin = await freePort();
    const flags = ['-n', 'web', '-i', '1', '--admin', String(admin), ...quick];
    await cli.ok(['start', cli.fixture('hello.cjs'), ...flags]);
    const metrics = await fetch({ port: admin, path: '/metrics' });
    assert.match(metrics.body, /^tutti_workers_wanted(\{[^}]*\})? 1$/m);
    assert.equal((await fetch({ port: admin, path: '/v1/scale', method: 'POST' })).status, 401);
    const token = readToken(join(cli.home, 'run/web.token'));
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const scaled = await fetch({ port: admin, path: '/v1/scale', method: 'POST', headers, body: '{"to":2}' });
    assert.equal(scaled.status, 200, scaled.body);
    assert.equal((await cli.snapshot('web')).target, 2);
  });

  it('costs nothing before it is used', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', ...quick]);
    const socket = connect(join(cli.home, 'run/web.sock'));
    await new Promise((done) => socket.once('connect', done));
    socket.destroy();
    const pid = cli.processes().find((one) => one !== process.pid) ?? 0;
    const before = privateBytes(pid);
    await cli.snapshot('web');
    const cost = privateBytes(pid) - before;
    assert.ok(cost > 1_000_000, `the API was loaded already: ${cost} bytes`);
  });

  it('is done without where no socket can be made: one line, and the app runs on', async () => {
    await using cli = await openCli();
    const file = cli.write('file', '');
    const run = cli.begin(['run', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1'], { env: { TUTTI_HOME: file } });
    await eventually('it serves', async () => (await fetch({ port: cli.port, path: '/' })).status === 200);
    run.process.kill('SIGTERM');
    const { code, stderr } = await run.finished;
    assert.equal(code, 0, stderr);
    assert.equal(stderr.match(/runs without a control socket/g)?.length, 1, stderr);
    const start = await cli.run(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1'], {
      env: { TUTTI_HOME: join(file, 'x') },
    });
    assert.equal(start.code, 77, start.stderr);
  });

  it('comes back when its socket is removed', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1', ...quick]);
    const socket = join(cli.home, 'run/web.sock');
    const { pid } = await cli.snapshot('web');
    rmSync(join(cli.home, 'run'), { recursive: true });
    // The file is there a moment before it is listened on.
    await eventually('it answers again', async () => (await cli.snapshot('web').catch(() => null))?.pid === pid);
    rmSync(socket);
    writeFileSync(socket, 'foreign');
    await cli.run(['status']);
    rmSync(socket);
    await eventually('the socket is there again', () => existsSync(socket));
    await cli.ok(['stop', 'web']);
    assert.equal(existsSync(socket), false);
    assert.ok(existsSync(join(cli.home, 'run/web.token')));
    await cli.ok(['delete', 'web']);
    assert.equal(existsSync(join(cli.home, 'run/web.token')), false);
  });
});
