// Scale, recycle, spares, and the commands around them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeSnapshot } from '../../../src/supervisor/picture/core-snapshot.ts';
import { defaultPolicy, World } from './fake-world.ts';

const slots = (world: World) => world.serving().map(({ slot }) => slot);

test('scale up and down answers when the world is as it was asked', () => {
  const world = new World({ workers: { min: 1, max: 1 } }).start().run(1_000);
  const up = world.command({ type: 'scale', to: 8 });
  assert.equal(world.answers.has(up), false);
  world.run(500);
  assert.equal(world.answer(up).outcome, 'done');
  const down = world.command({ type: 'scale', to: { by: -6 } });
  assert.deepEqual(slots(world), [0, 1]);
  assert.equal(world.answers.has(down), false, 'six still drain');
  world.run(500);
  assert.equal(world.answer(down).outcome, 'done');
  assert.equal(world.processes.size, 2);
});

test('scale refuses what makes no sense, and what the configuration does not allow', () => {
  const world = new World().start().run(1_000);
  for (const to of [0, -1, 1.5, Number.NaN, 5_000, { by: -2 }]) {
    assert.equal(world.answer(world.command({ type: 'scale', to })).outcome, 'refused');
  }
  const ranged = new World({ workers: { min: 2, max: 4 } }).start().run(1_000);
  assert.equal(ranged.answer(ranged.command({ type: 'scale', to: 5 })).outcome, 'refused');
  assert.equal(ranged.answer(ranged.command({ type: 'scale', to: 2 })).outcome, 'done' as const);
});

test('scale: the latest wins; new workers that fail make it degraded and are tried on', () => {
  const world = new World().start().run(15_000);
  const first = world.command({ type: 'scale', to: 4 });
  world.behave = () => ({ exitAfterMs: 50, bootMs: null });
  const second = world.command({ type: 'scale', to: 5 });
  assert.equal(world.answer(first).outcome, 'superseded');
  world.run(1_000);
  assert.equal(world.answer(second).outcome, 'degraded');
  world.behave = () => ({});
  world.run(60_000);
  assert.equal(world.serving().length, 5);
});

test('a scale down keeps as many ready as wanted, whichever slots they are in', () => {
  const world = new World({ workers: { min: 3, max: 3 } }).start().run(15_000);
  world.behave = ({ slot }) => (slot === 0 ? { exitAfterMs: 50, bootMs: null } : {});
  world.die(world.inSlot(0));
  world.run(5_000);
  world.command({ type: 'scale', to: 1 });
  assert.deepEqual(slots(world), [1]);
  world.behave = () => ({});
  world.run(60_000);
  assert.deepEqual(slots(world), [0]);
});

test('recycle: one at a time, replacement first', () => {
  const world = new World({ workers: { min: 3, max: 3 } }).start().run(1_000);
  let most = 0;
  let least = 3;
  world.watch = () => {
    least = Math.min(least, world.serving().length);
    const booting = [...world.processes.values()].filter(({ admitted, ordered }) => !admitted && ordered === null);
    most = Math.max(most, booting.length);
  };
  const id = world.command({ type: 'recycle', slot: null });
  world.run(2_000);
  assert.equal(world.answer(id).outcome, 'done');
  assert.deepEqual([most, least], [1, 3]);
  assert.deepEqual([...world.processes.keys()], [4, 5, 6]);
  assert.equal(world.eventsOf('recycled').length, 3);
  assert.equal(world.answer(world.command({ type: 'recycle', slot: 7 })).outcome, 'refused');
});

test('a replacement that does not boot leaves the old worker, and the command fails with the reason', () => {
  const world = new World().start().run(1_000);
  world.behave = () => ({ exitAfterMs: 50, bootMs: null });
  const id = world.command({ type: 'recycle', slot: 1 });
  world.run(5_000);
  assert.equal(world.answer(id).outcome, 'failed');
  assert.deepEqual(slots(world), [0, 1]);
  assert.equal(world.forks(), 3);
});

test('recycle by memory, requests and lifetime, each within 10 % of its limit', () => {
  const limits = [
    { policy: { maxMemoryBytes: 100e6 }, below: { rssBytes: 89e6 }, above: { rssBytes: 111e6 } },
    { policy: { maxRequests: 1_000 }, below: { requestsTotal: 890 }, above: { requestsTotal: 1_101 } },
  ];
  for (const { policy, below, above } of limits) {
    const world = new World(policy).start().run(1_000);
    world.inSlot(0).beat = { ...world.inSlot(0).beat, ...below };
    world.run(10_000);
    assert.equal(world.forks(), 2);
    world.inSlot(0).beat = { ...world.inSlot(0).beat, ...above };
    world.run(2_000);
    assert.equal(world.forks(), 3);
    assert.equal(world.eventsOf('recycled').length, 1);
  }
  const world = new World({ maxLifetimeMs: 100_000, workers: { min: 10, max: 10 } }).start();
  world.run(89_000);
  assert.equal(world.forks(), 10);
  world.run(22_000);
  assert.equal(world.forks(), 20);
  const times = new Set(world.eventsOf('recycled').map(({ at }) => at));
  assert.equal(times.size, 10, 'not all at once');
});

test('limits wait while a reload runs, and the reload replaces those workers anyway', () => {
  const world = new World({ maxRequests: 100 }).start().run(1_000);
  world.command({ type: 'reload' });
  world.run(100);
  for (const process of world.serving()) process.beat = { ...process.beat, requestsTotal: 500 };
  world.run(10_000);
  assert.equal(world.eventsOf('recycled').length, 0);
  assert.equal(world.answer(1).outcome, 'done');
  assert.equal(world.forks(), 4);
});

test('a crash promotes a spare at once, and a new spare is forked', () => {
  const world = new World({ spares: 1 }).start().run(15_000);
  assert.equal(world.processes.size, 3);
  assert.equal(world.supervisor.snapshot().workers.at(-1)?.state, 'spare');
  world.die(world.inSlot(1));
  assert.deepEqual(slots(world).sort(), [0, 1], 'full strength in the same instant');
  world.run(1_000);
  assert.equal(world.processes.size, 3);
  const forks = world.actions.filter(({ action }) => action.type === 'fork' && action.spare);
  assert.deepEqual(
    forks.map(({ action }) => (action.type === 'fork' ? action.slot : 0)),
    [null, null],
  );
});

test('a spare needs its probe too, and is not admitted before it is promoted', () => {
  const world = new World({ spares: 1, probe: '/' }).start().run(5_000);
  const order = world.actions
    .filter(({ action }) => 'worker' in action && action.worker === 3)
    .map(({ action }) => action.type);
  assert.deepEqual(order, ['fork', 'probe']);
});

test('spares are replaced by a reload, too', () => {
  const world = new World({ spares: 2 }).start().run(5_000);
  world.command({ type: 'reload' });
  world.run(10_000);
  assert.deepEqual(
    [...world.processes.values()].map(({ generation }) => generation),
    [2, 2, 2, 2],
  );
});

test('spares that do not boot wait by backoff and never harm the slots', () => {
  const world = new World({ spares: 1 });
  world.behave = ({ slot }) => (slot === null ? { exitAfterMs: 20, bootMs: null } : {});
  world.start().run(60_000);
  assert.ok(world.forks() < 15, `${world.forks()} starts`);
  assert.equal(world.serving().length, 2);
});

test('no more workers boot at once than parallelStarts', () => {
  const world = new World({ workers: { min: 9, max: 9 } }, 1, 2);
  let most = 0;
  world.watch = () => {
    most = Math.max(most, [...world.processes.values()].filter(({ admitted }) => !admitted).length);
  };
  world.start().run(2_000);
  assert.equal(most, 2);
  assert.equal(world.serving().length, 9);
});

test('setPolicy takes a changed number of workers at once', () => {
  const world = new World().start().run(1_000);
  world.supervisor.setPolicy({ ...defaultPolicy, workers: { min: 4, max: 4 } });
  world.run(1_000);
  assert.equal(world.serving().length, 4);
});

test('the snapshot names every worker and every empty slot, and the host completes it', () => {
  const world = new World({ workers: { min: 3, max: 3 } }).start().run(15_000);
  world.behave = () => ({ exitAfterMs: 20, bootMs: null });
  world.die(world.inSlot(1), { code: 7 });
  world.run(100);
  const core = world.supervisor.snapshot();
  assert.deepEqual(
    core.workers.map(({ slot, state }) => [slot, state]),
    [
      [0, 'ready'],
      [1, 'backoff'],
      [2, 'ready'],
    ],
  );
  const snapshot = completeSnapshot(core, {
    pid: 1,
    version: '1.0.0',
    node: 'v24.0.0',
    config: null,
    monotonicMs: world.now(),
    wallMs: Date.UTC(2026, 0, 1),
    ...knownFacts,
    memory: () => ({ pssBytes: 5, rssBytes: 7 }),
  });
  assert.equal(snapshot.workers[0]?.pssBytes, 5);
  assert.equal(snapshot.workers[1]?.pssBytes, null);
  assert.match(snapshot.workers[1]?.lastExit?.at ?? '', /^2025-12-31T23:59:59/);
});

const knownFacts = { cpuMicros: () => null, answers: () => null, silentMs: () => 0, memory: () => null };

test('of a worker that tells nothing the snapshot says what the machine knows, not what it told last', () => {
  const world = new World({ workers: { min: 1, max: 1 } }).start().run(2_000);
  const told = { cpuUserMicros: 3e6, cpuPercent: 8, eventLoopUtilization: 0.1, eventLoopDelayP99Ms: 2 };
  Object.assign(world.inSlot(0).beat, { ...told, requestsTotal: 70, activeRequests: 3 });
  world.run(2_000);
  const pictured = (facts: object) => {
    const machine = { pid: 1, version: '1.0.0', node: 'v24.0.0', config: null, monotonicMs: world.now(), wallMs: 0 };
    return completeSnapshot(world.supervisor.snapshot(), { ...machine, ...knownFacts, ...facts }).workers[0];
  };
  const { requestsTotal, cpuPercent, eventLoopUtilization, eventLoopDelayP99Ms } =
    pictured({ answers: () => 65 }) ?? {};
  assert.deepEqual([requestsTotal, cpuPercent, eventLoopUtilization, eventLoopDelayP99Ms], [67, 8, 0.1, 2]);
  assert.equal(pictured({ answers: () => 90 })?.requestsTotal, 90, 'what it has answered since its last heartbeat');
  assert.equal(pictured({ silentMs: () => 2_000 })?.eventLoopDelayP99Ms, 2, 'a late heartbeat is no silence');
  const spinning = pictured({ silentMs: () => 10_000, cpuMicros: () => 13e6 });
  assert.equal(spinning?.cpuPercent, 100);
  assert.equal(spinning?.eventLoopUtilization, 1);
  assert.equal(spinning?.eventLoopDelayP99Ms, 10_000);
  assert.equal(pictured({ silentMs: () => 10_000, cpuMicros: () => 3e6 })?.cpuPercent, 0, 'it is stopped');
});

test('of a worker that hangs before its first heartbeat the snapshot says so too, but not of one that starts', () => {
  const world = new World({ workers: { min: 1, max: 1 } }).start().run(2_000);
  const machine = { pid: 1, version: '1.0.0', node: 'v24.0.0', config: null, monotonicMs: world.now(), wallMs: 0 };
  const core = world.supervisor.snapshot();
  const [worker] = core.workers;
  assert.ok(worker);
  const pictured = (state: 'ready' | 'starting') => {
    const young = {
      ...core,
      workers: [{ ...worker, state, cpuMicros: null, eventLoopUtilization: 0, uptimeMs: 20_000 }],
    };
    const facts = { ...machine, ...knownFacts, silentMs: () => 10_000, cpuMicros: () => 10e6 };
    return completeSnapshot(young, facts).workers[0];
  };
  assert.equal(pictured('ready')?.eventLoopUtilization, 1);
  assert.equal(pictured('ready')?.cpuPercent, 50, 'of its whole life');
  assert.equal(pictured('starting')?.eventLoopUtilization, 0);
});

test('an idle pool asks for few wakes', () => {
  const world = new World().start().run(20_000);
  const before = world.wakes;
  world.run(600_000);
  assert.ok(world.wakes - before < 300, `${world.wakes - before} wakes in 10 minutes`);
});
