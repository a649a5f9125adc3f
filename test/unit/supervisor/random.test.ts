// Random sequences of events against the core, in a simulated world: whatever happens, these rules hold. A failure
// can be run again by its seed; fast-check shows the shortest sequence that breaks a rule. (The fake world itself holds more rules: actions
// only for living workers, one admission, one answer per command, no wake in the past, nothing after the exit.)

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import type { Policy } from '../../../src/supervisor/vocabulary/policy.ts';
import { type Behaviour, type Process, World } from './fake-world.ts';

type Turn =
  | { type: 'wait'; ms: number }
  | { type: 'reload' | 'rollback' }
  | { type: 'scale'; to: number }
  | { type: 'recycle'; slot: number | null }
  | { type: 'kill' | 'crash' | 'hang' | 'wake-up' | 'close' | 'end-itself' | 'reopen' | 'term' | 'fault'; nth: number }
  | { type: 'busy'; utilization: number }
  | { type: 'memory'; freeBytes: number | null }
  | { type: 'limits'; min: number; max: number }
  | { type: 'pressure' }
  | { type: 'change-files' }
  | { type: 'sleep'; ms: number }
  | { type: 'mood'; mood: Mood };

/** How processes that are forked from now on behave. */
type Mood = 'well' | 'dies-at-boot' | 'never-ready' | 'dies-young' | 'slow' | 'stubborn';

const moods: Record<Mood, Partial<Behaviour>> = {
  well: {},
  'dies-at-boot': { bootMs: null, exitAfterMs: 30 },
  'never-ready': { bootMs: null },
  'dies-young': { exitAfterMs: 900 },
  slow: { bootMs: 4_000, drainMs: 6_000 },
  stubborn: { drainMs: null, stopMs: null },
};

const wait = fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(1, 20, 150, 1_000, 2_500, 12_000) });
const nth = fc.nat({ max: 7 });
const orders: fc.Arbitrary<Turn>[] = [
  fc.record({ type: fc.constantFrom('reload' as const, 'rollback' as const) }),
  fc.record({ type: fc.constant('scale' as const), to: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constant('recycle' as const), slot: fc.constantFrom(null, 0, 1) }),
  fc.record({ type: fc.constant('busy' as const), utilization: fc.constantFrom(0, 0.6, 1) }),
  fc.record({ type: fc.constant('memory' as const), freeBytes: fc.constantFrom(null, 10e6, 100e6) }),
];
const surroundings: fc.Arbitrary<Turn>[] = [
  fc.record({ type: fc.constant('limits' as const), min: fc.integer({ min: 1, max: 3 }), max: fc.constantFrom(3, 5) }),
  fc.record({ type: fc.constant('limits' as const), min: fc.constant(2), max: fc.constant(2) }),
  fc.constant<Turn>({ type: 'pressure' }),
];
const accidents: fc.Arbitrary<Turn>[] = [
  fc.record({
    type: fc.constantFrom('kill', 'crash', 'hang', 'wake-up', 'close', 'end-itself', 'reopen', 'term', 'fault'),
    nth,
  }) as fc.Arbitrary<Turn>,
  fc.constant<Turn>({ type: 'change-files' }),
  fc.record({ type: fc.constant('sleep' as const), ms: fc.constantFrom(500, 20_000) }),
  fc.record({ type: fc.constant('mood' as const), mood: fc.constantFrom(...(Object.keys(moods) as Mood[])) }),
];

const policies: fc.Arbitrary<Partial<Policy>> = fc.record({
  workers: fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.nat({ max: 2 }))
    .map(([min, more]) => ({ min, max: min + more })),
  startTimeoutMs: fc.constantFrom(3_000, 30_000),
  canaryTimeMs: fc.constantFrom(0, 2_000),
  preStopDelayMs: fc.constantFrom(0, 0, 3_000),
  drainTimeoutMs: fc.constantFrom(500, 25_000),
  surge: fc.integer({ min: 1, max: 3 }),
  spares: fc.integer({ min: 0, max: 2 }),
  reloadFailures: fc.integer({ min: 0, max: 2 }),
  livenessTimeoutMs: fc.constantFrom(0, 6_000, 30_000),
  autopsy: fc.boolean(),
  giveUpMs: fc.constantFrom('never' as const, 60_000),
  probe: fc.constantFrom(null, '/health'),
});

function pick(world: World, n: number): Process | undefined {
  const all = [...world.processes.values()];
  return all[n % Math.max(1, all.length)];
}

function take(world: World, turn: Turn): void {
  if (world.exit !== null) return;
  const victim = 'nth' in turn ? pick(world, turn.nth) : undefined;
  switch (turn.type) {
    case 'wait':
      world.run(turn.ms);
      return;
    case 'sleep':
      world.sleep(turn.ms).run(1);
      return;
    case 'mood':
      world.behave = () => moods[turn.mood];
      return;
    case 'busy':
      for (const process of world.processes.values()) process.beat.eventLoopUtilization = turn.utilization;
      return;
    case 'memory':
      world.room = turn.freeBytes === null ? null : { freeBytes: turn.freeBytes, workerBytes: 60e6 };
      return;
    case 'limits':
      world.send({ type: 'resized', workers: { min: turn.min, max: turn.max }, reason: 'cpu.max is other now' });
      return;
    case 'pressure':
      world.send({ type: 'memory-pressure', usedBytes: 90e6, limitBytes: 100e6 });
      return;
    case 'change-files':
      world.send({ type: 'generation-changed-in-place', generation: world.supervisor.snapshot().generation });
      return;
    case 'reload':
    case 'rollback':
    case 'scale':
    case 'recycle':
      world.command(turn);
      return;
    case 'kill':
      if (victim) world.die(victim, { signal: 'SIGKILL' });
      return;
    case 'crash':
      if (victim) world.die(victim, { code: 1 });
      return;
    case 'hang':
    case 'wake-up':
      if (victim) victim.silent = turn.type === 'hang';
      return;
    case 'close':
    case 'end-itself':
      if (victim?.admitted && !victim.closed) world.close(victim, turn.type === 'end-itself');
      return;
    case 'reopen':
      if (victim?.closed) world.listen(victim);
      return;
    case 'fault':
      if (victim) world.send({ type: 'worker-faulty', worker: victim.id, detail: 'a: it is unknown here' });
      return;
    case 'term':
      if (victim) world.send({ type: 'worker-signalled', worker: victim.id, signal: 'SIGTERM' });
      return;
  }
}

/** Rules about places, held after every input. */
function holdPlaces(world: World): void {
  const places = new Map<number, Process[]>();
  for (const process of world.processes.values()) {
    // Who ends itself has given its place away, or will.
    if (process.slot === null || process.ordered !== null || process.closed) continue;
    places.set(process.slot, [...(places.get(process.slot) ?? []), process]);
  }
  for (const [slot, processes] of places) {
    assert.ok(processes.length <= 2, `slot ${slot} holds ${processes.length} workers`);
  }
}

/** Never more than 5 starts a second in one slot. */
function holdStarts(world: World): void {
  const starts = new Map<number, number[]>();
  for (const { at, action } of world.actions) {
    if (action.type !== 'fork' || action.slot === null) continue;
    starts.set(action.slot, [...(starts.get(action.slot) ?? []), at]);
  }
  for (const times of starts.values()) {
    for (let i = 5; i < times.length; i += 1) {
      assert.ok((times[i] ?? 0) - (times[i - 5] ?? 0) >= 1_000, 'a sixth start within a second');
    }
  }
}

function holdEnd(world: World, policy: Partial<Policy>): void {
  const from = world.now();
  if (world.exit === null) world.command({ type: 'stop' });
  world.run(60_000);
  assert.ok(world.exit, 'it ends after a stop');
  const most = (policy.preStopDelayMs ?? 0) + (policy.drainTimeoutMs ?? 25_000) + 500 + 3_000 + 2_000;
  assert.ok(world.exit.at - from <= most, `it ended ${world.exit.at - from} ms after the stop`);
  assert.equal(world.processes.size, 0, 'no worker is left behind');
  const asked = Math.max(0, ...world.answers.keys());
  assert.equal(world.answers.size, asked, 'every command is answered');
}

test('chaos: places, starts, answers and the end', () => {
  const turns = fc.array(fc.oneof(wait, ...orders, ...accidents, ...surroundings), { minLength: 5, maxLength: 40 });
  fc.assert(
    fc.property(policies, turns, fc.nat(), (policy, sequence, luck) => {
      const world = new World(policy, luck);
      world.watch = () => holdPlaces(world);
      world.start();
      for (const turn of sequence) take(world, turn);
      holdStarts(world);
      holdEnd(world, policy);
    }),
    { numRuns: 250 },
  );
});

test('what we do ourselves never leaves fewer workers ready than wanted', () => {
  // Generations are good or bad, nobody interferes: only exits that nobody ordered may cost a worker.
  const turns = fc.array(fc.oneof(wait, wait, ...orders), { minLength: 5, maxLength: 30 });
  const generations = fc.array(fc.constantFrom(...(Object.keys(moods) as Mood[])), { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(policies, turns, generations, fc.nat(), (policy, sequence, minds, luck) => {
      const world = new World({ ...policy, livenessTimeoutMs: 0 }, luck);
      world.behave = ({ generation }) => (generation === 1 ? {} : (moods[minds[generation % 10] ?? 'well'] ?? {}));
      world.start().run(1_000);
      // Where a successor has its copy of the socket, the old one leaves: both serve until then.
      const served = (all: readonly Process[]) => new Set(all.map(({ slot }) => slot)).size;
      let before = served(world.serving());
      let exits = world.eventsOf('worker-exit').length;
      world.watch = () => {
        const { reload, target } = world.supervisor.snapshot();
        const tried = reload.state === 'canary' ? reload.generation : null;
        const after = served(world.serving().filter(({ generation }) => generation !== tried));
        const unasked = world.eventsOf('worker-exit').slice(exits);
        exits += unasked.length;
        const lost = unasked.filter(({ reason }) => reason === 'crashed').length;
        assert.ok(after >= Math.min(before - lost, target), `${after} ready, ${before} before, ${target} wanted`);
        before = after;
      };
      for (const turn of sequence) take(world, turn);
      world.watch = () => undefined;
      holdEnd(world, policy);
    }),
    { numRuns: 250 },
  );
});

test('when everything dies at boot, starts are few in every minute, at any age', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 2 }), fc.nat(), (workers, spares, luck) => {
      const world = new World({ workers: { min: workers, max: workers }, spares, giveUpMs: 'never' }, luck);
      world.start().run(20_000);
      world.behave = () => moods['dies-at-boot'];
      for (const process of [...world.processes.values()]) world.die(process);
      const from = world.now();
      world.run(180_000);
      const starts = world.actions.filter(({ at, action }) => action.type === 'fork' && at >= from).map(({ at }) => at);
      const limit = Math.max(5, 3 * workers) + workers + 12;
      for (const [index, start] of starts.entries()) {
        const within = starts.slice(index).filter((at) => at < start + 60_000).length;
        assert.ok(within <= limit, `${within} starts within a minute, more than ${limit}`);
      }
      world.behave = () => ({});
      world.run(10_000);
      assert.equal(world.serving().length, workers, 'back within 10 s of the cure');
      holdEnd(world, {});
    }),
    { numRuns: 40 },
  );
});

test('after any chaos a good world is at full strength again', () => {
  const turns = fc.array(fc.oneof(wait, ...orders, ...accidents), { minLength: 5, maxLength: 30 });
  fc.assert(
    fc.property(policies, turns, fc.nat(), (policy, sequence, luck) => {
      const world = new World({ ...policy, giveUpMs: 'never' }, luck).start().run(1_000);
      for (const turn of sequence) take(world, turn);
      if (world.exit !== null) return;
      for (const process of world.processes.values()) process.silent = false;
      world.behave = () => ({});
      world.room = null;
      world.command({ type: 'reload' });
      world.run(180_000);
      const snapshot = world.supervisor.snapshot();
      assert.equal(snapshot.state, 'running');
      assert.equal(snapshot.circuit, 'closed');
      assert.equal(world.serving().length, snapshot.target);
      assert.ok(world.serving().every(({ generation }) => generation === snapshot.generation));
      const asked = Math.max(0, ...world.answers.keys());
      assert.equal(world.answers.size, asked, 'every command is answered');
    }),
    { numRuns: 100 },
  );
});
