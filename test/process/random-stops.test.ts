// Promise: a stop ends, with the right code, and leaves nothing behind (the rig proves that), whichever signal comes at whichever moment:
// drawn by lot, between two events of an app that starts, reloads, scales and loses workers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { times } from '../support/form.ts';
import { startRig } from '../support/rig.ts';

const stops = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
const disturbances = ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'kill'] as const;
/** A start and a reload tell about so many. */
const MOST_EVENTS = 24;

function draw<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] as T;
}

test('any signal that stops, at any moment, also twice', async () => {
  for (let round = times({ short: 3, default: 6, long: 60 }); round > 0; round -= 1) {
    const plan = {
      disturbance: draw(disturbances),
      after: 1 + Math.floor((Math.random() * MOST_EVENTS) / 3),
      stop: draw(stops),
      at: 1 + Math.floor(Math.random() * MOST_EVENTS),
      again: draw([null, ...stops]),
    };
    await using rig = await startRig({
      fixture: 'hello.cjs',
      flags: { 'drain-timeout': '2s', 'stop-timeout': '1s' },
      ready: 0,
    });
    // Where no more happens, that is the moment.
    const reached = (count: number) => rig.waitFor(() => true, { from: count - 1, deadlineMs: 2_000 }).catch(() => {});
    await reached(Math.min(plan.after, plan.at));
    if (plan.after < plan.at) {
      // What makes the rest of the events is a reload, whatever else happens.
      rig.signal('SIGHUP');
      const [victim] = rig.workers();
      if (plan.disturbance !== 'kill') rig.signal(plan.disturbance);
      else if (victim !== undefined) process.kill(victim, 'SIGKILL');
      await reached(plan.at);
    }
    rig.signal(plan.stop);
    if (plan.again !== null) rig.primary.kill(plan.again);
    const { code, signal } = await rig.end(null, 20_000).catch((error: Error) => {
      throw new Error(`${JSON.stringify(plan)}: ${error.message}`);
    });
    assert.deepEqual([code, signal], [0, null], `${JSON.stringify(plan)}\n${rig.story()}`);
  }
});
