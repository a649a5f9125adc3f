// Promise: no request is lost by scaling up or down.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { times } from '../support/form.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { startRig } from '../support/rig.ts';

test('scaling 1 → 8 → 1 under load loses no request', async () => {
  const requests = times({ short: 5_000, default: 100_000, long: 100_000 });
  await using rig = await startRig({
    fixture: 'hello.cjs',
    library: true,
    flags: { workers: 1, 'drain-timeout': '10s' },
  });
  await using load = await startLoad({ port: rig.port });
  await load.reached(requests / 4);
  await rig.call('scale', 8);
  await rig.untilReady(8);
  // The kernel shares by who is free; fresh connections reach everyone before long.
  await load.more(requests / 2);
  await rig.call('scale', 1);
  await rig.untilReady(1);
  await load.reached(requests);
  const result = await load.stop();
  assertNothingLost(result, requests);
  assert.equal(Object.keys(result.byPid).length, 8, 'each of the eight workers answered');
});

test('TTIN is one worker more, TTOU one fewer', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 1, 'drain-timeout': '5s' } });
  rig.signal('SIGTTIN');
  await rig.untilReady(2);
  rig.signal('SIGTTOU');
  await rig.untilReady(1);
  assert.equal((await rig.fetch()).status, 200);
});
