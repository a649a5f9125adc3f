import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './fake-world.ts';

const kills = (world: World) => world.actions.filter(({ action }) => action.type === 'kill').length;
const autopsies = (world: World) => world.actions.filter(({ action }) => action.type === 'autopsy').length;

test('silent for 5 s: suspect; a heartbeat makes it ready again', () => {
  const world = new World().start().run(2_000);
  world.inSlot(0).silent = true;
  world.run(6_000);
  assert.equal(world.eventsOf('worker-suspect').length, 1);
  assert.equal(world.supervisor.snapshot().workers[0]?.state, 'suspect');
  world.inSlot(0).silent = false;
  world.run(2_000);
  assert.equal(world.eventsOf('worker-recovered').length, 1);
  assert.equal(world.supervisor.snapshot().workers[0]?.state, 'ready');
  assert.equal(kills(world), 0);
});

test('silent for livenessTimeout: killed as hung and restarted at once', () => {
  const world = new World().start().run(20_000);
  world.inSlot(0).silent = true;
  world.run(29_000);
  assert.equal(kills(world), 0);
  world.run(3_000);
  assert.equal(kills(world), 1);
  assert.equal(world.eventsOf('worker-exit')[0]?.reason, 'hung');
  assert.equal(world.eventsOf('worker-restart')[0]?.delayMs, 0);
  assert.equal(world.serving().length, 2);
});

test('evidence is taken first; the kill follows the answer, or its timeout', () => {
  for (const autopsyMs of [200, null]) {
    const world = new World({ autopsy: true });
    world.autopsyMs = autopsyMs;
    world.start().run(20_000);
    world.inSlot(0).silent = true;
    world.run(40_000);
    assert.equal(autopsies(world), 1);
    assert.equal(kills(world), 1);
    assert.equal(world.eventsOf('incident').length, autopsyMs === null ? 0 : 1);
    const at = (type: string) => world.actions.find(({ action }) => action.type === type)?.at ?? 0;
    assert.equal(at('kill') - at('autopsy'), autopsyMs ?? 5_500);
  }
});

test('a worker that turns its loop again during the autopsy lives', () => {
  const world = new World({ autopsy: true });
  world.autopsyMs = 2_000;
  world.start().run(20_000);
  const worker = world.inSlot(0);
  worker.silent = true;
  world.run(29_500);
  worker.silent = false;
  world.run(10_000);
  assert.equal(autopsies(world), 1);
  assert.equal(kills(world), 0);
  assert.equal(world.serving().length, 2);
});

test('off while an inspector is attached, while booting, and with 0', () => {
  const world = new World().start().run(2_000);
  const worker = world.inSlot(0);
  worker.beat = { ...worker.beat, inspected: true };
  world.run(2_000);
  worker.silent = true;
  world.run(300_000);
  assert.equal(world.eventsOf('worker-suspect').length, 0);
  assert.equal(kills(world), 0);

  const booting = new World({ startTimeoutMs: 200_000 });
  booting.behave = () => ({ bootMs: 150_000 });
  booting.start().run(149_000);
  assert.equal(booting.events.length, 3);

  const never = new World({ livenessTimeoutMs: 0 }).start().run(2_000);
  never.inSlot(0).silent = true;
  never.run(300_000);
  assert.equal(never.eventsOf('worker-suspect').length, 1);
  assert.equal(kills(never), 0);
});

test('after the primary itself overslept nobody is blamed', () => {
  const world = new World({ startTimeoutMs: 5_000 }).start().run(20_000);
  world.command({ type: 'scale', to: 3 });
  world.run(20).sleep(60_000).run(500);
  assert.equal(kills(world), 0);
  assert.equal(world.eventsOf('worker-suspect').length, 0);
  assert.equal(world.serving().length, 3);
});

test('time in which nothing ran counts for nobody: a start, the ports, a drain and a stop have what they had left', () => {
  for (const frozenMs of [20_000, 100_000, 3_600_000]) {
    for (const beforeMs of [20, 1_500, 3_900]) {
      // The only worker died, and its successor starts: 4.5 s of its own.
      const world = new World({ workers: { min: 1, max: 1 }, startTimeoutMs: 5_000 }).start().run(20_000);
      world.behave = () => ({ bootMs: 4_500 + frozenMs });
      world.die(world.inSlot(0));
      world.run(beforeMs).sleep(frozenMs).run(4_600);
      const told = JSON.stringify({ frozenMs, beforeMs });
      assert.equal(world.exit, null, told);
      assert.equal(world.eventsOf('ports-closed').length, 0, told);
      assert.equal(world.eventsOf('worker-exit').length, 1, told);
      assert.equal(world.serving().length, 1, told);
    }
    // Of 25 s it drains 24, and of 3 s it stops 2, each with a freeze in the middle.
    const world = new World({ workers: { min: 1, max: 1 } });
    world.behave = () => ({ drainMs: 24_000 + frozenMs, stopMs: 2_000 + frozenMs });
    world.start().run(20_000).command({ type: 'stop' });
    world.run(10_000).sleep(frozenMs).run(15_000).sleep(frozenMs).run(5_000);
    assert.equal(kills(world), 0, String(frozenMs));
    assert.equal(world.exit?.code, 0, String(frozenMs));
  }
});

test('of many workers that stall together at most 10 % (at least one) are ended per livenessTimeout', () => {
  for (const [workers, most, autopsy] of [
    [8, 1, false],
    [8, 1, true],
    [30, 3, false],
  ] as const) {
    const world = new World({ workers: { min: workers, max: workers }, autopsy }).start().run(20_000);
    for (const process of world.serving()) process.silent = true;
    world.run(58_000);
    assert.equal(kills(world), most);
    world.run(25_000);
    assert.equal(kills(world), 2 * most);
  }
});

test('a spare that hangs is replaced', () => {
  const world = new World({ spares: 1 }).start().run(20_000);
  const spare = [...world.processes.values()].find(({ admitted }) => !admitted);
  assert.ok(spare);
  spare.silent = true;
  world.run(40_000);
  assert.ok(!world.processes.has(spare.id));
  assert.equal(world.processes.size, 3);
});
