// Autoscaling: the pure rule under random loads, and the rule inside the core.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import {
  decideScale,
  defaultAutoscaleTimes,
  type LoadSample,
  withSample,
} from '../../../src/supervisor/decide/autoscale.ts';
import { World } from './fake-world.ts';

const times = defaultAutoscaleTimes;

/** Lets the rule follow a load, told for each second in workers' worth of work, and returns every change it made. */
function follow(work: readonly number[], { min, max, start }: { min: number; max: number; start: number }) {
  let workers = start;
  let samples: readonly LoadSample[] = [];
  const changes: { at: number; from: number; to: number; reason: string }[] = [];
  for (const [second, demand] of work.entries()) {
    const now = second * 1_000;
    const utilization = Math.min(1, demand / workers);
    samples = withSample(samples, { at: now, utilization, delayMs: utilization === 1 ? 80 : 1 }, times);
    const decision = decideScale({ workers, min, max, samples, now }, times);
    if (decision === null) continue;
    changes.push({ at: now, from: workers, to: decision.to, reason: decision.reason });
    workers = decision.to;
    samples = [];
  }
  return { workers, changes };
}

const bounds = fc
  .record({ min: fc.integer({ min: 1, max: 6 }), more: fc.integer({ min: 1, max: 8 }), at: fc.nat() })
  .map(({ min, more, at }) => ({ min, max: min + more, start: min + (at % (more + 1)) }));

test('whatever the load does: within min and max, one at a time, not twice within a window', () => {
  const load = fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 100, maxLength: 400 });
  fc.assert(
    fc.property(bounds, load, (range, work) => {
      const { changes } = follow(work, range);
      let before = 0;
      for (const { at, from, to, reason } of changes) {
        assert.ok(to >= range.min && to <= range.max);
        assert.equal(Math.abs(to - from), 1);
        assert.ok(at - before >= (to > from ? times.upWindowMs : times.downWindowMs));
        assert.match(reason, /event loops/);
        before = at;
      }
    }),
    { numRuns: 300 },
  );
});

test('a steady load is answered in one direction only, and then nothing changes any more', () => {
  fc.assert(
    fc.property(bounds, fc.double({ min: 0, max: 20, noNaN: true }), (range, demand) => {
      const { workers, changes } = follow(Array(1_500).fill(demand), range);
      assert.ok(new Set(changes.map(({ from, to }) => to - from)).size <= 1, JSON.stringify(changes));
      if (demand < 0.05) assert.equal(workers, range.min);
      if (demand > range.max) assert.equal(workers, range.max);
      if (workers < range.max) assert.ok(demand / workers < 0.75);
    }),
    { numRuns: 300 },
  );
});

test('loops that run late ask for more workers only if they are busy too', () => {
  const steady = (utilization: number, delayMs: number) =>
    Array.from({ length: 20 }, (_, second) => ({ at: second * 1_000, utilization, delayMs }));
  const decide = (samples: LoadSample[]) => decideScale({ workers: 2, min: 1, max: 4, samples, now: 19_000 }, times);
  assert.equal(decide(steady(0.6, 150))?.to, 3);
  assert.match(decide(steady(0.6, 150))?.reason ?? '', /ran 150 ms late and were 60 % busy over the last 10 s/);
  assert.equal(decide(steady(0.2, 150)), null);
  assert.equal(decide(steady(0.6, 20)), null);
});

function load(world: World, demand: number): void {
  world.watch = () => {
    const serving = world.serving();
    for (const process of serving) process.beat.eventLoopUtilization = Math.min(1, demand / serving.length);
  };
}

test('the pool follows the load up and down, and says why', () => {
  const world = new World({ workers: { min: 1, max: 4 } }).start();
  world.run(30_000);
  assert.equal(world.serving().length, 1);
  load(world, 2.1);
  world.run(60_000);
  assert.equal(world.serving().length, 3);
  load(world, 0);
  world.run(150_000);
  assert.equal(world.serving().length, 1);
  const scaled = world.eventsOf('scaled');
  assert.deepEqual(
    scaled.map(({ from, to }) => [from, to]),
    [
      [1, 2],
      [2, 3],
      [3, 2],
      [2, 1],
    ],
  );
  assert.match(scaled[0]?.reason ?? '', /the event loops were \d+ % busy over the last 10 s/);
  assert.match(scaled[3]?.reason ?? '', /the event loops were 0 % busy over the last 60 s/);
});

test('silence is not idleness: a worker whose loop is blocked counts as busy', () => {
  const world = new World({ workers: { min: 2, max: 3 }, livenessTimeoutMs: 0 }).start().run(5_000);
  load(world, 1.2);
  world.run(1_000);
  world.inSlot(0).silent = true;
  world.run(20_000);
  assert.equal(world.eventsOf('scaled').at(-1)?.to, 3);
});

test('a fixed number of workers stays, and an operator may choose within min..max', () => {
  const fixed = new World({ workers: { min: 2, max: 2 } }).start();
  load(fixed, 10);
  fixed.run(120_000);
  assert.equal(fixed.eventsOf('scaled').length, 0);
  const world = new World({ workers: { min: 1, max: 4 } }).start().run(5_000);
  const id = world.command({ type: 'scale', to: 3 });
  world.run(30_000);
  assert.equal(world.answer(id).outcome, 'done');
  assert.equal(world.serving().length, 3);
});

test('never above the memory that the control group has: held back, told once, and made up for later', () => {
  const world = new World({ workers: { min: 1, max: 3 } });
  world.room = { freeBytes: 40e6, workerBytes: 60e6 };
  world.start().run(5_000);
  load(world, 5);
  world.run(120_000);
  assert.equal(world.serving().length, 1);
  assert.equal(world.eventsOf('held-back').length, 1);
  const { what, reason } = world.eventsOf('held-back')[0] ?? {};
  assert.equal(what, 'scale-up');
  assert.match(reason ?? '', /\d+ % busy .* but there is no memory .* has 38 MB left, and a worker takes about 57 MB/);
  world.room = { freeBytes: 400e6, workerBytes: 60e6 };
  world.run(60_000);
  assert.equal(world.serving().length, 3);
});
