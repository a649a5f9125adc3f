// Fastify keeps idle connections for 72 s, longer than a head may take (60 s): none of them is lost when a reload moves it.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { fetch } from '../support/fetch.ts';
import { startRig } from '../support/rig.ts';

test('reloads of a Fastify server lose no request of its keep-alive clients, and keep their connections', async () => {
  await using rig = await startRig({ fixture: 'fastify.cjs' });
  const agents = Array.from({ length: 10 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const ask = () => Promise.all(agents.map((agent) => fetch({ port: rig.port, agent, timeoutMs: 10_000 })));
  await ask();
  const connections = () => agents.map((agent) => Object.values(agent.freeSockets)[0]?.[0]?.localPort);
  const before = connections();
  for (let i = 0; i < 3; i += 1) {
    const old = rig.ready();
    assert.equal((await rig.reload()).type, 'reload-done');
    for (const { status, pid } of await ask()) {
      assert.equal(status, 200);
      assert.ok(!old.includes(pid), 'a new worker answers');
    }
  }
  assert.deepEqual(connections(), before);
  for (const agent of agents) agent.destroy();
});
