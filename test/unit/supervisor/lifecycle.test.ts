import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './fake-world.ts';

test('start forks one worker per slot, admits each when it listens, and is running then', () => {
  const world = new World().start();
  assert.equal(world.forks(), 2);
  assert.equal(world.serving().length, 0);
  world.run(200);
  assert.deepEqual(
    world.serving().map(({ slot }) => slot),
    [0, 1],
  );
  assert.deepEqual(
    world.eventsOf('state').map(({ state }) => state),
    ['starting', 'running'],
  );
  assert.equal(world.eventsOf('listening').length, 1);
});

test('a proven worker that dies is restarted at once', () => {
  const world = new World().start().run(15_000);
  world.die(world.inSlot(1));
  assert.equal(world.forks(), 3);
  world.run(200);
  assert.equal(world.serving().length, 2);
});

test('a reload replaces every worker, new before old, behind a canary', () => {
  const world = new World({ workers: { min: 3, max: 3 } }).start().run(1_000);
  let least = 3;
  world.watch = () => {
    least = Math.min(least, world.serving().length);
  };
  const id = world.command({ type: 'reload' });
  world.run(1_500);
  assert.deepEqual(
    world.serving().map(({ generation }) => generation),
    [1, 1, 1],
    'the canary serves nobody before canaryTime is over',
  );
  assert.equal(world.processes.size, 4);
  world.run(2_000);
  assert.equal(world.answer(id).outcome, 'done');
  assert.equal(least, 3);
  assert.ok([...world.processes.values()].every(({ generation }) => generation === 2));
  assert.equal(world.supervisor.snapshot().generation, 2);
  assert.equal(world.supervisor.snapshot().state, 'running');
});

test('a canary that dies has served nobody', () => {
  const world = new World({ workers: { min: 2, max: 2 } }).start().run(1_000);
  world.behave = () => ({ exitAfterMs: 1_000 });
  const id = world.command({ type: 'reload' });
  world.watch = () => assert.ok(world.serving().every(({ generation }) => generation === 1));
  world.run(5_000);
  assert.equal(world.answer(id).outcome, 'failed');
});

test('a canary serves at once when nobody else does, and when the last other worker dies', () => {
  const world = new World({ workers: { min: 1, max: 1 }, giveUpMs: 'never' }).start().run(1_000);
  world.command({ type: 'reload' });
  world.run(500);
  assert.deepEqual(
    world.serving().map(({ generation }) => generation),
    [1],
  );
  world.behave = () => ({ bootMs: null });
  world.die(world.inSlot(0));
  assert.deepEqual(
    world.serving().map(({ generation }) => generation),
    [2],
  );
});

test('stop drains all workers in parallel and leaves with 0', () => {
  const world = new World().start().run(1_000);
  const id = world.command({ type: 'stop' });
  assert.equal(world.serving().length, 0);
  world.run(1_000);
  assert.deepEqual(world.exit?.code, 0);
  assert.equal(world.answer(id).outcome, 'done');
  assert.equal(world.processes.size, 0);
});
