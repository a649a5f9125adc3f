import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './fake-world.ts';

test('a stop during boot ends what boots, without a drain', () => {
  const world = new World().start().run(50);
  const id = world.command({ type: 'stop' });
  world.run(1_000);
  assert.equal(world.exit?.code, 0);
  assert.equal(world.answer(id).outcome, 'done');
  assert.ok(!world.actions.some(({ action }) => action.type === 'drain'));
});

test('a stop during a reload ends both generations and answers the reload', () => {
  const world = new World().start().run(1_000);
  const reload = world.command({ type: 'reload' });
  world.run(1_000);
  world.command({ type: 'stop' });
  world.run(1_000);
  assert.equal(world.exit?.code, 0);
  assert.equal(world.answer(reload).outcome, 'failed');
});

test('a stop with a pin under way does not wait for it', () => {
  const world = new World().start().run(1_000);
  world.pin = () => null;
  const reload = world.command({ type: 'reload' });
  world.command({ type: 'stop' });
  assert.equal(world.answer(reload).outcome, 'failed');
  world.run(1_000);
  assert.equal(world.exit?.code, 0);
});

test('a fast stop does not drain: SIGTERM, and SIGKILL after at most 2 s', () => {
  const world = new World();
  world.behave = () => ({ stopMs: null });
  world.start().run(1_000);
  const from = world.now();
  world.command({ type: 'stop', fast: true });
  world.run(10_000);
  assert.equal(world.exit?.code, 0);
  assert.ok((world.exit?.at ?? 0) - from < 2_100);
  assert.ok(!world.actions.some(({ action }) => action.type === 'drain'));
});

test('a second stop makes a graceful one fast, a third one kills', () => {
  const world = new World({ stopTimeoutMs: 60_000 });
  world.behave = () => ({ drainMs: null, stopMs: null });
  world.start().run(1_000);
  world.command({ type: 'stop' });
  world.run(1_000);
  assert.equal(world.exit?.code, undefined);
  world.command({ type: 'stop' });
  assert.equal(world.actions.filter(({ action }) => action.type === 'terminate').length, 2);
  world.command({ type: 'stop' });
  world.run(10);
  assert.equal(world.exit?.code, 0);
  assert.equal(world.answers.size, 3);
});

test('a second stop shortens what the first one had given', () => {
  const world = new World({ stopTimeoutMs: 60_000 });
  world.behave = () => ({ stopMs: null });
  world.start().run(1_000);
  world.command({ type: 'stop' });
  world.run(1_000);
  const from = world.now();
  world.command({ type: 'stop' });
  world.run(10_000);
  assert.ok((world.exit?.at ?? Number.POSITIVE_INFINITY) - from < 2_100);
});

test('every other command is refused while it stops, and a crash meanwhile starts nothing', () => {
  const world = new World();
  world.behave = () => ({ drainMs: 5_000 });
  world.start().run(15_000);
  const forks = world.forks();
  world.command({ type: 'stop' });
  for (const command of [
    { type: 'reload' },
    { type: 'scale', to: 4 },
    { type: 'recycle', slot: null },
    { type: 'rollback' },
  ] as const) {
    assert.equal(world.answer(world.command(command)).outcome, 'refused');
  }
  const [victim] = world.processes.values();
  assert.ok(victim);
  world.die(victim);
  world.run(6_000);
  assert.equal(world.forks(), forks);
  assert.equal(world.exit?.code, 0);
});

test('workers that ignore everything do not keep it from ending', () => {
  const world = new World();
  world.behave = () => ({ drainMs: null, stopMs: null, unkillable: true });
  world.start().run(1_000);
  world.command({ type: 'stop' });
  world.run(40_000);
  assert.equal(world.exit?.code, 0);
});

test('of a worker whose process never came to life nobody says that the kernel holds it', () => {
  const world = new World();
  world.behave = () => ({ bootMs: null, stopMs: null, unkillable: true, online: false });
  world.start().run(1_000);
  world.command({ type: 'stop' });
  world.run(40_000);
  assert.equal(world.exit?.code, 0);
  const told = world.events.flatMap((event) => (event.type === 'notice' ? [event.message] : [])).join('\n');
  assert.match(told, /was given up before its process had started/);
  assert.doesNotMatch(told, /kernel/);
});

test('after the exit nothing is heard any more', () => {
  const world = new World().start().run(1_000);
  world.command({ type: 'stop' });
  world.run(1_000);
  const before = world.actions.length;
  world.supervisor.dispatch({ type: 'reload', id: 99 });
  world.supervisor.dispatch({ type: 'tick' });
  assert.equal(world.actions.length, before);
  assert.equal(world.supervisor.snapshot().state, 'stopped');
});

test('with preStopDelay a stop serves on first, keeps its workers, refuses commands, then drains', () => {
  const world = new World({ preStopDelayMs: 5_000 }).start().run(20_000);
  const stop = world.command({ type: 'stop' });
  world.run(10);
  assert.equal(world.supervisor.snapshot().state, 'stopping');
  assert.equal(world.answer(world.command({ type: 'reload' })).outcome, 'refused');
  world.die(world.inSlot(0));
  world.run(4_900);
  assert.equal(world.serving().length, 2, 'a worker that dies meanwhile is replaced');
  assert.ok(!world.actions.some(({ action }) => action.type === 'shut-ports' || action.type === 'drain'));
  world.run(5_000);
  assert.equal(world.exit?.code, 0);
  assert.equal(world.answer(stop).outcome, 'done');
  const states = world.eventsOf('state').filter(({ state }) => state === 'stopping');
  assert.deepEqual(
    states.map(({ reason }) => reason),
    ['told to stop, and serves on for 5000 ms'],
  );
});

test('a second stop ends the wait of preStopDelay, a fast one has none, and neither has one with nobody to serve', () => {
  const drained = ({ actions }: World) => actions.some(({ action }) => action.type === 'drain');
  const impatient = new World({ preStopDelayMs: 60_000 }).start().run(20_000);
  impatient.command({ type: 'stop' });
  impatient.run(100);
  assert.equal(drained(impatient), false);
  impatient.command({ type: 'stop' });
  assert.equal(drained(impatient), true);
  impatient.run(5_000);
  assert.equal(impatient.exit?.code, 0);
  const fast = new World({ preStopDelayMs: 60_000 }).start().run(20_000);
  fast.command({ type: 'stop', fast: true });
  fast.run(5_000);
  assert.equal(fast.exit?.code, 0);
  const booting = new World({ preStopDelayMs: 60_000 }).start().run(10);
  booting.command({ type: 'stop' });
  booting.run(5_000);
  assert.equal(booting.exit?.code, 0);
});
