// Signs of life are read from the scoreboard once a second, and whenever somebody is about to judge a silence.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { monotonicMs } from '../../../src/host/monotonic.ts';
import { DataPlaneRig } from '../../support/data-plane-rig.ts';
import { eventually } from '../../support/eventually.ts';

test('who asks for signs of life gets those of now, with the time at which they were given', async () => {
  await using rig = new DataPlaneRig('least-connections');
  const worker = await rig.start({ fixture: 'data-plane/serves.cjs', args: ['{}'] });
  const givenAt: number[] = [];
  let toldAt = Number.NEGATIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  rig.plane.watchSigns((signs) => {
    for (const { worker: id, agoMs } of signs) {
      assert.equal(id, worker.id);
      assert.ok(agoMs >= 0);
      least = Math.min(least, monotonicMs() - toldAt);
      toldAt = monotonicMs();
      givenAt.push(toldAt - agoMs);
    }
  });
  await eventually('two are told within half a second', () => {
    rig.plane.tellSigns();
    return least < 500;
  });
  for (const [i, at] of givenAt.slice(1).entries()) assert.ok(at > Number(givenAt[i]) - 2, givenAt.join());
});
