// The reload machine, explored: from a few places in the life of an app – 2 slots, 1 spare, a probe – every sequence of what can happen up
// to a depth, breadth first, each state once. Where the random tests try long ways here and there, this tries all short ones.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { times } from '../../support/form.ts';
import { pictureOf, SmallWorld, type Turn } from './small-world.ts';

/** How many turns after each root. */
const depth = times({ short: 4, default: 4, long: 6 });

/** What every turn must keep, whatever went before. The world itself holds more rules. */
function hold(before: SmallWorld, turn: Turn, after: SmallWorld): void {
  const places = new Map<number, number>();
  for (const { slot, ordered } of after.state.processes) {
    if (slot !== null && ordered === null) places.set(slot, (places.get(slot) ?? 0) + 1);
  }
  for (const [slot, count] of places) assert.ok(count <= 2, `slot ${slot} holds ${count} workers`);
  if (after.state.exited || after.model.closing !== null) return;
  // Only a death takes a worker from the clients.
  const victim = turn.type === 'exit' ? before.state.processes[turn.nth] : undefined;
  const lost = victim?.admitted && victim.ordered === null ? 1 : 0;
  const least = Math.min(before.serving() - lost, after.model.target);
  assert.ok(after.serving() >= least, `${after.serving()} workers serve, and there were ${before.serving()}`);
}

/** From here on nothing goes wrong, and an operator helps where he is asked to: the app is whole again, runs one generation, and owes no answer. */
function holdCure(world: SmallWorld): void {
  const isWhole = (): boolean =>
    world.serving() === 2 &&
    world.model.reload === null &&
    world.state.processes.length === 3 &&
    world.state.processes.every((one) => one.listens && !one.probing && one.generation === world.model.current);
  for (let turns = 0; turns < 200 && !isWhole(); turns += 1) {
    // A first start that comes to nothing ends by itself.
    if (world.model.closing !== null && !world.model.everReady) return;
    const turn = isMixed(world) ? { type: 'reload' as const } : goodTurn(world);
    assert.ok(turn, 'nothing can happen any more, and the app is not whole');
    world.take(turn);
  }
  assert.ok(isWhole(), 'the app does not become whole again');
  assert.equal(world.model.state, 'running');
  assert.equal(world.state.answered.length, world.state.asked, 'every command is answered');
}

/** What a rollback leaves that failed: only an operator makes it whole. */
function isMixed({ model, state }: SmallWorld): boolean {
  const isOver = model.reload === null && model.lastReload?.result === 'degraded';
  return isOver && state.processes.some(({ generation, ordered }) => ordered === null && generation !== model.current);
}

function holdEnd(world: SmallWorld): void {
  for (let turns = 0; turns < 20 && !world.state.exited; turns += 1) {
    const turn = goodTurn(world);
    assert.ok(turn, 'nothing can happen any more, and the app has not ended');
    world.take(turn);
  }
  assert.ok(world.state.exited, 'it ends after a stop');
}

function goodTurn(world: SmallWorld): Turn | undefined {
  const turns = world.possible();
  return (
    turns.find(({ type }) => type === 'ready' || type === 'probe-ok') ??
    turns.find((turn) => turn.type === 'exit' && world.state.processes[turn.nth]?.ordered != null) ??
    turns.find(({ type }) => type === 'tick')
  );
}

/** Every way of `depth` turns; answers with the number of states. */
function explore(root: SmallWorld, depth: number): number {
  const seen = new Set([pictureOf(root)]);
  let level: { world: SmallWorld; way: readonly Turn[] }[] = [{ world: root, way: [] }];
  for (let deep = 0; deep < depth; deep += 1) {
    const next: typeof level = [];
    for (const { world, way } of level) {
      for (const turn of world.possible()) {
        const after = world.copy();
        const longer = [...way, turn];
        try {
          after.take(turn);
          hold(world, turn, after);
          const picture = pictureOf(after);
          if (seen.has(picture)) continue;
          seen.add(picture);
          if (after.state.exited) continue;
          if (after.model.closing === null) holdCure(after.copy());
          else holdEnd(after.copy());
        } catch (error) {
          throw new Error(`after ${longer.map(wordOf).join(', ')}: ${String(error)}`, { cause: error });
        }
        next.push({ world: after, way: longer });
      }
    }
    level = next;
  }
  return seen.size;
}

function wordOf(turn: Turn): string {
  return 'nth' in turn ? `${turn.type} ${turn.nth}` : turn.type;
}

/** An app that is whole, and then taken some turns further; `exit` is that of the youngest worker that still starts. */
function rootAfter(...types: readonly Turn['type'][]): SmallWorld {
  const world = new SmallWorld();
  holdCure(world);
  for (const type of types) {
    const turns = world.possible().filter((one) => one.type === type);
    const turn = turns.findLast((one) => !('nth' in one) || world.state.processes[one.nth]?.admitted === false);
    assert.ok(turn, `${type} can happen`);
    world.take(turn);
  }
  return world;
}

const passed = ['reload', 'ready', 'probe-ok', 'tick'] as const;
const roots: Record<string, { world: () => SmallWorld; phase?: string }> = {
  'a first start': { world: () => new SmallWorld() },
  'an app that is whole': { world: () => rootAfter() },
  'a canary on trial': { world: () => rootAfter('reload', 'ready', 'probe-ok'), phase: 'canary' },
  'a roll': { world: () => rootAfter(...passed), phase: 'rolling' },
  'a roll that is taken back': { world: () => rootAfter(...passed, 'exit', 'tick', 'exit'), phase: 'rolling-back' },
};

for (const [name, { world, phase }] of Object.entries(roots)) {
  test(`${name}: all ways of ${depth} turns keep the rules, can be cured and stopped`, (t) => {
    const root = world();
    assert.equal(root.model.reload?.phase.type, phase);
    const states = explore(root, depth);
    t.diagnostic(`${states} states`);
    assert.ok(states > 500, `${states} states`);
  });
}
