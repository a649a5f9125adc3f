// Limits that change under a running app, and memory that runs out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './fake-world.ts';

const resized = (count: number, max = count) =>
  ({ type: 'resized', workers: { min: count, max }, reason: 'cpu.max is other now' }) as const;

test('the number of workers follows the limits, up and down, with the reason', () => {
  const world = new World().start().run(20_000);
  world.send(resized(4));
  world.run(20_000);
  assert.equal(world.serving().length, 4);
  world.send(resized(1));
  world.run(60_000);
  assert.equal(world.serving().length, 1);
  assert.deepEqual(
    world.eventsOf('scaled').map(({ from, to, reason }) => [from, to, reason]),
    [
      [2, 4, 'cpu.max is other now'],
      [4, 1, 'cpu.max is other now'],
    ],
  );
});

test('told twice it does nothing; a range only bounds; a number set by hand stays', () => {
  const world = new World().start().run(20_000);
  world.send(resized(2));
  world.run(5_000);
  assert.equal(world.eventsOf('scaled').length, 0);
  world.send({ type: 'scale', id: 1, to: 3 });
  world.run(20_000);
  world.send(resized(4));
  world.run(20_000);
  assert.equal(world.serving().length, 3);
  const range = new World({ workers: { min: 1, max: 4 } }).start().run(20_000);
  range.send(resized(2, 6));
  range.run(20_000);
  assert.equal(range.serving().length, 2);
});

const pressure = { type: 'memory-pressure', usedBytes: 450e6, limitBytes: 500e6 } as const;

test('near the limit the largest worker is replaced, one at a time, also where memory for a usual recycle is missing', () => {
  const world = new World({ workers: { min: 3, max: 3 } }).start().run(70_000);
  world.memoryRoom = () => ({ freeBytes: 10e6, workerBytes: 100e6 });
  const largest = world.inSlot(1);
  largest.beat = { ...largest.beat, rssBytes: 300e6 };
  world.run(2_000);
  for (let i = 0; i < 5; i += 1) {
    world.send(pressure);
    world.run(1);
  }
  world.run(30_000);
  const recycled = world.eventsOf('recycled');
  assert.deepEqual(
    recycled.map(({ slot }) => slot),
    [1],
  );
  assert.match(recycled[0]?.reason ?? '', /the container uses 429 MB of 477 MB, and at its limit/);
  assert.equal(world.serving().length, 3);
});

test('a worker that was ready for less than a minute is not replaced for it', () => {
  const world = new World().start().run(30_000);
  world.send(pressure);
  world.run(10_000);
  assert.equal(world.eventsOf('recycled').length, 0);
});
