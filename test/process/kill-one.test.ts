// Promise: `kill <worker>` does what an operator expects: that worker is drained and replaced, and nobody notices.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { startRig } from '../support/rig.ts';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} to one worker under load: drained, replaced, nothing lost`, async () => {
    await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'drain-timeout': '10s' } });
    await using load = await startLoad({ port: rig.port });
    for (let i = 0; i < 3; i += 1) {
      await load.more(1_000);
      const [victim = 0, other = 0] = rig.ready();
      const from = rig.events.length;
      process.kill(victim, signal);
      const ready = await rig.waitFor('worker-ready', { from });
      await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === victim, { from });
      await rig.untilReady(2);
      assert.deepEqual(rig.ready(), [other, ready.pid]);
    }
    const result = await load.stop();
    assertNothingLost(result, 3_000);
    assert.equal(Object.keys(result.byPid).length, 5, 'each worker, first and later, had its part');
  });
}
