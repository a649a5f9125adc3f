// Workers that say what no worker says: by the messages of tutti, of Node and of node:cluster, and as garbage on the channel. The
// primary lives, that worker is replaced, and nobody else loses anything. And a primary that says what no primary says.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { kinds } from '../../src/protocol/checks.ts';
import type { RawHandle } from '../../src/protocol/raw-handle.ts';
import { DataPlaneRig } from '../support/data-plane-rig.ts';
import { eventually, within } from '../support/eventually.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { fileDescriptors } from '../support/processes.ts';
import { type Rig, root, startRig } from '../support/rig.ts';
import { seed } from '../support/seed.ts';

const fixture = 'says-anything.cjs';

async function say(rig: Rig, path: '/message' | '/handle' | '/raw', what: unknown): Promise<number> {
  const body = typeof what === 'string' ? what : JSON.stringify(what);
  const answer = await rig.fetch(path, { method: 'POST', body });
  return Number(/\d+/.exec(answer.body)?.[0]);
}

/** Fields that messages have, holding what they hold or anything else. */
const fields = fc.dictionary(
  fc.constantFrom(
    ...['listeners', 'beat', 'extra', 'seq', 'key', 'to', 'held', 'used', 'left', 'stderr', 'requests', 'metrics'],
    ...['address', 'port', 'addressType', 'fd', 'flags', 'index', 'protocol', 'selfTest', 'signal', 'handled', 'ack'],
    ...['act', 'type', 'msg', 'accepted', 'backlog'],
  ),
  fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('queryServer', 'close', 'listening', 'net.Native', 'net.Socket', 'udp4', -1, 70_000, 1e9),
  ),
  { maxKeys: 8 },
);
const nodes = ['NODE_CLUSTER', 'NODE_HANDLE', 'NODE_HANDLE_ACK', 'NODE_HANDLE_NACK', 'NODE_TUTTI_NEW', 'NODE_ELSE'];
// An id that another worker might be waiting for is a lie, not an oddity: nobody could tell.
const odd = fc.tuple(fc.constantFrom(...kinds, ...nodes), fields).map(([cmd, rest]) => ({ ...rest, cmd }));

describe('a worker that sends what cannot be used', () => {
  it('is replaced, says the event, with what was wrong, and loses no request', async () => {
    await using rig = await startRig({ fixture, flags: { workers: 2 } });
    await using load = await startLoad({ port: rig.port, keepAlive: 10, fresh: 2, gets: true });
    const pid = await say(rig, '/message', {
      cmd: 'NODE_TUTTI_LISTENING',
      listeners: [{ protocol: 'tcp', port: 'x' }],
    });
    const event = await rig.waitFor('worker-faulty');
    assert.equal(event.pid, pid);
    assert.match(
      String(event.detail),
      /^NODE_TUTTI_LISTENING: listeners\[0\]\.port is not a whole number from 0 to 65535$/,
    );
    const exit = await rig.waitFor('worker-exit');
    assert.deepEqual([exit.pid, exit.reason], [pid, 'planned']);
    await rig.untilReady(2);
    assertNothingLost(await load.stop());
  });

  it('of every kind, and more than once: the primary lives and nothing is lost', async () => {
    await using rig = await startRig({ fixture, flags: { workers: 3 } });
    await using load = await startLoad({ port: rig.port, keepAlive: 10, fresh: 2, gets: true });
    const messages = [
      ...[...kinds, ...nodes].map((cmd) => ({ cmd })),
      ...fc.sample(odd, { seed, numRuns: 200 }),
      { cmd: 'NODE_CLUSTER', act: 'queryServer', seq: 1, port: 70_000 },
      { cmd: 'NODE_CLUSTER', act: 'queryServer', seq: 1, port: -1, address: null },
      { cmd: 'NODE_HANDLE', type: 'constructor', msg: 1 },
    ];
    for (const [i, message] of messages.entries()) {
      // What a connection is sent for, it is sent for; see `odd`.
      if (message.cmd === 'NODE_TUTTI_ADOPTED' && i >= kinds.length) continue;
      await say(rig, i % 3 === 0 ? '/handle' : '/message', message);
    }
    await rig.waitFor('worker-faulty');
    await eventually('all of them ready', () => rig.ready().length === 3);
    assert.equal((await rig.fetch('/')).status, 200);
    const result = await load.stop();
    assertNothingLost(result);
  });

  it('as garbage on its channel: that worker ends with the reason, the others go on', async () => {
    await using rig = await startRig({ fixture, flags: { workers: 2 } });
    const pid = await say(rig, '/raw', '{"cmd":"NODE_TUTTI_ALIVE"}\n}{ no JSON\n');
    const exit = await rig.waitFor('worker-exit');
    assert.equal(exit.pid, pid);
    assert.match(String(exit.detail), /its channel to tutti cannot be read any more: SyntaxError/);
    await rig.untilReady(2);
    assert.equal((await rig.fetch('/')).status, 200);
  });

  it('with connections that nobody asked for: none of them stays open in the primary', async () => {
    await using rig = await startRig({ fixture, flags: { workers: 1 } });
    const before = fileDescriptors(rig.pid);
    for (let i = 0; i < 30; i += 1) {
      const cmd = ['NODE_TUTTI_NEW', 'NODE_ELSE', 'NODE_TUTTI_SETTLE', 'NODE_TUTTI_ADOPTED'][i % 4];
      await say(rig, '/handle', { cmd });
    }
    await say(rig, '/handle', { of: 'the application' });
    // What runs beside it for a moment, as the worker's successor does, has a few of its own.
    await eventually('the descriptors to be given back', () => fileDescriptors(rig.pid) <= before + 8);
  });
});

describe('a worker that is sent what it does not know', () => {
  it('says so once, gives back the connection that came with it, and serves on', async () => {
    await using rig = new DataPlaneRig('kernel');
    const worker = await rig.start({ fixture: 'hello.cjs', env: { PORT: '0' } });
    const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (const cmd of ['NODE_TUTTI_NEW', 'NODE_TUTTI_NEW', 'NODE_TUTTI_NEWER']) {
      const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
      const [accepted] = (await once(server, 'connection')) as [net.Socket & { _handle: RawHandle }];
      // Nobody but the worker has it any more once it has arrived there.
      worker.process.send({ cmd } as never, accepted._handle, () => accepted.destroy());
      client.resume();
      await within(`the connection of ${cmd} closes`, once(client, 'close'));
    }
    server.close();
    await eventually('both are told', () => worker.failures.length === 2);
    assert.match(worker.failures.join(), /^NODE_TUTTI_NEW: .*does not know,NODE_TUTTI_NEWER: /);
    const [listener] = worker.listeners ?? [];
    assert.equal((await fetch(`http://127.0.0.1:${listener?.port}/`)).status, 200);
  });
});

describe('tutti replaced on disk while an app runs', () => {
  it('by one that speaks otherwise: its workers are not used, and it is said what to do', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tutti-copy-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    for (const name of ['dist', 'package.json']) cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const command = [
      join(folder, 'dist/bin.js'),
      'run',
      resolve(root, 'test/fixtures/hello.cjs'),
      '--workers',
      '2',
      '--json',
    ];
    await using rig = await startRig({ fixture: 'hello.cjs', command });
    const preload = join(folder, 'dist/worker/preload.cjs');
    const text = readFileSync(preload, 'utf8');
    const newer = text.replace('PROTOCOL = 1;', 'PROTOCOL = 2;');
    assert.ok(newer !== text, 'the number is not where it was');
    writeFileSync(preload, newer);
    const reload = await rig.reload();
    assert.equal(reload.type, 'reload-failed');
    assert.match(String(reload.reason), /tutti was replaced on disk .*\(protocol 2, not 1\): restart the app/);
    assert.equal((await rig.fetch('/')).status, 200);
    assert.equal(rig.ready().length, 2);
  });
});
