// `--workers min..max` follows the load, says why, and loses no request on the way.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { root, startRig } from '../support/rig.ts';

test('from min to max under load and back when it is idle, one worker at a time, without a lost request', async () => {
  const options = { entry: join(root, 'test/fixtures/busy.cjs'), workers: '1..3', drainTimeout: '5s' };
  const autoscaleTimes = { sampleMs: 1_000, upWindowMs: 2_000, downWindowMs: 4_000 };
  const argument = JSON.stringify({ options, launch: { autoscaleTimes, control: 'none' } });
  const command = [join(root, 'test/support/launch-primary.mjs'), argument];
  await using rig = await startRig({ fixture: 'busy.cjs', command, ready: 1 });
  await using load = await startLoad({ port: rig.port, keepAlive: 12, fresh: 4, gets: true });
  await rig.untilReady(3);
  await load.more(200);
  assertNothingLost(await load.stop(), 200);
  const up = rig.events.all('scaled');
  assert.deepEqual(
    up.map(({ from, to }) => [from, to]),
    [
      [1, 2],
      [2, 3],
    ],
  );
  for (const { reason } of up) assert.match(String(reason), /^the event loops (were|ran) .*busy over the last 2 s$/);
  await rig.untilReady(1);
  assert.match(String(rig.events.all('scaled').at(-1)?.reason), /would be \d+ % with one worker fewer$/);
  assert.equal((await rig.fetch()).status, 200);
});
