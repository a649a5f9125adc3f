// An application may do to its process object what it likes: tutti needs some of it, and does without.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { fetch } from '../support/fetch.ts';
import { startRig } from '../support/rig.ts';

for (const what of ['frozen', 'without listeners']) {
  test(`${what}: it becomes ready, reloads lose no request, and it stops as told`, async () => {
    await using rig = await startRig({ fixture: 'odd-process.cjs', args: [what] });
    const agents = Array.from({ length: 6 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    let going = true;
    let answers = 0;
    const clients = agents.map(async (agent) => {
      while (going) {
        assert.equal((await fetch({ port: rig.port, agent, timeoutMs: 20_000 })).status, 200);
        answers += 1;
      }
    });
    for (let i = 0; i < 2; i += 1) assert.equal((await rig.reload()).type, 'reload-done');
    going = false;
    await Promise.all(clients);
    for (const agent of agents) agent.destroy();
    assert.ok(answers > 0);
    console.log(
      JSON.stringify(rig.events.all('worker-exit').map(({ reason, detail, slot }) => [slot, reason, detail])),
    );
    const exits = rig.events.all('worker-exit').map(({ reason }) => reason);
    assert.deepEqual(new Set(exits), new Set(['planned']));
    assert.deepEqual(await rig.end(), { code: 0, signal: null });
  });
}
