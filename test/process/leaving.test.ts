// An application that leaves the channel to its primary: process.disconnect(), cluster.worker.disconnect() and kill(). It lives on or
// ends as it would elsewhere, and tutti keeps its own way to it.

import assert from 'node:assert/strict';
import http from 'node:http';
import { afterEach, describe, it, test } from 'node:test';
import { fetch } from '../support/fetch.ts';
import { connect } from '../support/raw-client.ts';
import { startRig } from '../support/rig.ts';
import { endWorkers, fixture, RigWorker } from '../support/worker-rig.ts';

afterEach(endWorkers);

describe('a worker whose application leaves the channel', () => {
  it('serves on after process.disconnect(), and sees the channel closed', async () => {
    const worker = new RigWorker({ entry: fixture('leaves.cjs') });
    const port = await worker.port();
    await fetch({ port, path: '/disconnect' });
    const { body } = await fetch({ port, path: '/state' });
    assert.deepEqual(JSON.parse(body), { pid: worker.pid, connected: false, heard: 1, sent: false });
    await worker.hasRead();
    assert.deepEqual(await worker.drain(), []);
    assert.equal((await worker.terminate()).signal, 'SIGTERM');
  });

  it('answers what is under way before cluster.worker.disconnect() ends it, with code 0', async () => {
    const worker = new RigWorker({ entry: fixture('leaves.cjs') });
    const port = await worker.port();
    const client = await connect(port);
    client.get('/slow', 'Connection: close\r\n');
    await worker.requestsInFlight(1);
    await fetch({ port, path: '/worker-disconnect' });
    await worker.input('worker-closed');
    await client.until('the slow answer', ({ text }) => text.endsWith('slow'));
    const { code, signal } = await worker.input('worker-exit');
    assert.deepEqual([code, signal], [0, null]);
  });

  it('ends by cluster.worker.kill() as under node:cluster', async () => {
    const worker = new RigWorker({ entry: fixture('leaves.cjs') });
    await fetch({ port: await worker.port(), path: '/worker-kill' });
    const { code, signal } = await worker.input('worker-exit');
    assert.deepEqual([code, signal], [0, null]);
  });

  for (const way of ['/disconnect', '/worker-disconnect', '/worker-kill']) {
    it(`ends by itself when its stop signal makes it leave by ${way}`, async () => {
      const worker = new RigWorker({ entry: fixture('leaves.cjs'), env: { LEAVES_BY_SIGTERM: way } });
      await worker.port();
      await worker.drain();
      const { code, signal } = await worker.terminate();
      assert.deepEqual([code, signal], [0, null]);
    });
  }
});

test('what it left is still moved by a reload, and it is replaced as any other', async () => {
  await using rig = await startRig({ fixture: 'leaves.cjs', flags: { workers: 1 } });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (path: string) => (await fetch({ port: rig.port, path, agent })).body;
  try {
    await ask('/disconnect');
    const before = JSON.parse(await ask('/state')) as { pid: number; connected: boolean };
    assert.deepEqual([before.pid, before.connected], [rig.ready()[0], false]);
    assert.equal((await rig.reload()).type, 'reload-done');
    const after = JSON.parse(await ask('/state')) as { pid: number; connected: boolean };
    assert.deepEqual([after.pid, after.connected], [rig.ready()[0], true]);
    assert.notEqual(after.pid, before.pid);
  } finally {
    agent.destroy();
  }
});
