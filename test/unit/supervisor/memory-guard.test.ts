// What is started beside those that serve needs memory of its own; where a control group has none, it waits and says so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './fake-world.ts';

const none = { freeBytes: 10e6, workerBytes: 60e6 };
const enough = { freeBytes: 70e6, workerBytes: 60e6 };

test('a reload without memory for its canary fails and changes nothing; with memory it goes on', () => {
  const world = new World().start().run(5_000);
  world.room = none;
  const id = world.command({ type: 'reload' });
  world.run(1_000);
  const result = world.answer(id);
  assert.equal(result.outcome, 'failed');
  assert.match('reason' in result ? result.reason : '', /no memory for one more worker/);
  assert.equal(world.forks(), 2);
  assert.equal(world.eventsOf('reload-failed').length, 1);
  world.room = enough;
  const again = world.command({ type: 'reload' });
  world.run(30_000);
  assert.equal(world.answer(again).outcome, 'done');
});

test('memory that goes away in the middle of the roll: it waits, then goes back to the old generation', () => {
  const world = new World({ workers: { min: 3, max: 3 } }).start().run(5_000);
  world.room = enough;
  const id = world.command({ type: 'reload' });
  world.run(1_000);
  world.room = none;
  world.run(60_000);
  assert.equal(world.answer(id).outcome, 'failed');
  assert.equal(world.eventsOf('held-back').length, 1);
  assert.equal(world.serving().length, 3);
  assert.equal(world.eventsOf('reload-failed')[0]?.rolledBack, true);
});

test('a short want of memory only delays the roll', () => {
  const world = new World({ workers: { min: 3, max: 3 } }).start().run(5_000);
  const id = world.command({ type: 'reload' });
  world.run(1_000);
  world.room = none;
  world.run(8_000);
  world.room = enough;
  world.run(30_000);
  assert.equal(world.answer(id).outcome, 'done');
});

test('recycles and scale-ups wait, and commands for them are answered at once; a lost place is filled all the same', () => {
  const world = new World({ maxRequests: 1_000 }).start().run(15_000);
  world.room = none;
  world.inSlot(0).beat.requestsTotal = 2_000;
  world.run(20_000);
  assert.equal(world.eventsOf('recycled').length, 0);
  assert.equal(world.eventsOf('held-back').length, 1);
  const recycle = world.command({ type: 'recycle', slot: 1 });
  assert.equal(world.answer(recycle).outcome, 'failed');
  const scale = world.command({ type: 'scale', to: 3 });
  assert.equal(world.answer(scale).outcome, 'degraded');
  world.die(world.inSlot(1), { code: 1 });
  world.run(2_000);
  assert.equal(world.serving().length, 2);
  world.room = { freeBytes: 500e6, workerBytes: 60e6 };
  world.run(20_000);
  assert.equal(world.serving().length, 3);
  assert.equal(world.eventsOf('recycled').length, 1);
});

test('a worker that boots is counted before it has grown', () => {
  const world = new World({ workers: { min: 1, max: 1 } });
  world.behave = () => ({ bootMs: 2_000 });
  world.start().run(15_000);
  world.room = { freeBytes: 130e6, workerBytes: 60e6 };
  world.command({ type: 'scale', to: 4 });
  world.run(100);
  assert.equal(world.forks(), 3);
});
