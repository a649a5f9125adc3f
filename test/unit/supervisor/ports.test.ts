// When ports are closed: all of them first in a stop, those that nobody needs once that is certain.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './fake-world.ts';

function closings(world: World) {
  return world.actions.flatMap(({ at, action }) => (action.type === 'shut-ports' ? [{ at, ...action }] : []));
}

test('a stop closes all ports before any worker is told anything, once', () => {
  for (const fast of [false, true]) {
    const world = new World().start().run(1_000);
    const from = world.actions.length;
    world.command({ type: 'stop', fast });
    world.run(10_000);
    const told = world.actions.slice(from).filter(({ action }) => 'worker' in action || action.type === 'shut-ports');
    assert.equal(told[0]?.action.type, 'shut-ports');
    assert.deepEqual(
      closings(world).map(({ unusedBy }) => unusedBy),
      [null],
    );
  }
});

test('a reload closes what the new generation does not use, 2 s after its last worker was ready', () => {
  const world = new World({ canaryTimeMs: 500 }).start().run(10_000);
  world.behave = () => ({ bootMs: 100 });
  world.command({ type: 'reload' });
  world.run(10_000);
  const readyAt = Math.max(...world.eventsOf('worker-ready').map(({ at }) => at));
  assert.deepEqual(
    closings(world).map(({ at, unusedBy }) => ({ at, unusedBy })),
    [{ at: readyAt + 2_000, unusedBy: 2 }],
  );
});

test('ports stay while a reload can still fail, and the failed one closes only what it opened itself', () => {
  const world = new World({ workers: { min: 3, max: 3 }, canaryTimeMs: 500, reloadFailures: 0 }).start().run(10_000);
  world.behave = ({ generation, nth }) =>
    generation === 2 && nth > 4 ? { bootMs: null, exitAfterMs: 5_000 } : { bootMs: 100 };
  const id = world.command({ type: 'reload' });
  world.run(3_000);
  assert.equal(world.serving().filter(({ generation }) => generation === 2).length, 1, 'the roll has begun');
  assert.deepEqual(closings(world), []);
  world.run(20_000);
  assert.equal(world.answer(id).outcome, 'failed');
  assert.ok(closings(world).length > 0);
  assert.ok(closings(world).every(({ unusedBy }) => unusedBy === 1));
});

test('a worker that is ready without listening may still open ports until startTimeout', () => {
  const world = new World({ ready: 'started', startTimeoutMs: 8_000, workers: { min: 1, max: 1 } });
  world.start().run(10_000);
  world.behave = () => ({ bootMs: null });
  world.command({ type: 'reload' });
  world.run(100);
  const canary = [...world.processes.values()].find(({ generation }) => generation === 2);
  assert.ok(canary);
  world.send({ type: 'worker-started', worker: canary.id });
  const readyAt = world.now();
  world.run(20_000);
  assert.deepEqual(
    closings(world).map(({ at }) => at),
    [readyAt + 8_000],
  );
});

test('while a place is empty nobody knows what its worker will open', () => {
  const world = new World().start().run(10_000);
  world.behave = () => ({ bootMs: null, exitAfterMs: 50 });
  world.die(world.inSlot(1));
  world.command({ type: 'scale', to: 1 });
  world.run(100);
  world.command({ type: 'scale', to: 2 });
  world.run(5_000);
  assert.deepEqual(closings(world), []);
  world.behave = () => ({ bootMs: 100 });
  world.run(60_000);
  assert.equal(world.serving().length, 2);
});

test('a scale down closes the port that only the last place had', () => {
  const world = new World().start().run(10_000);
  world.command({ type: 'scale', to: 1 });
  world.run(1_000);
  assert.deepEqual(
    closings(world).map(({ unusedBy }) => unusedBy),
    [1],
  );
});

function slotClosings(world: World) {
  return world.actions.flatMap(({ at, action }) => (action.type === 'close-slot-ports' ? [{ at, ...action }] : []));
}

test('with ports of its own, a slot without a worker closes them after holdTimeout, and at once when it is scaled away', () => {
  const world = new World({ balance: 'ports', holdTimeoutMs: 3_000 }).start().run(10_000);
  world.behave = () => ({ bootMs: null, exitAfterMs: 50 });
  world.die(world.inSlot(1));
  const lostAt = world.now();
  world.run(2_900);
  assert.deepEqual(slotClosings(world), []);
  world.run(200);
  assert.deepEqual(
    slotClosings(world).map(({ at, slot, afterMs }) => ({ at, slot, afterMs })),
    [{ at: lostAt + 3_000, slot: 1, afterMs: 3_000 }],
  );
  world.run(100);
  const from = slotClosings(world).length;
  world.command({ type: 'scale', to: 1 });
  world.run(10);
  assert.ok(slotClosings(world).length <= from + 1, 'once at most');
});

test('with ports of its own, a slot whose next worker is ready in time keeps them', () => {
  const world = new World({ balance: 'ports', holdTimeoutMs: 3_000 }).start().run(10_000);
  world.die(world.inSlot(1));
  world.run(20_000);
  assert.equal(world.serving().length, 2);
  assert.deepEqual(slotClosings(world), []);
  world.command({ type: 'scale', to: 1 });
  world.run(10);
  assert.deepEqual(
    slotClosings(world).map(({ slot, afterMs }) => ({ slot, afterMs })),
    [{ slot: 1, afterMs: 0 }],
  );
});

test('where all slots share their ports, none is closed for one of them', () => {
  const world = new World({ holdTimeoutMs: 3_000 }).start().run(10_000);
  world.behave = () => ({ bootMs: null, exitAfterMs: 50 });
  world.die(world.inSlot(1));
  world.run(20_000);
  assert.deepEqual(slotClosings(world), []);
});
