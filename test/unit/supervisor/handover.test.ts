// Both sides of an upgrade, together: whatever dies, fails or hangs at whatever step, at most one side supervises, and one does as long as one lives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Giving, type GivingInput, giving } from '../../../src/supervisor/handover/giving.ts';
import { type Taking, type TakingInput, taking } from '../../../src/supervisor/handover/taking.ts';

/** Two processes and the pipe between them, in which messages may still be under way when a process dies. */
class World {
  old: { state: Giving; alive: boolean; doors: boolean; serves: boolean } = {
    state: 'idle',
    alive: true,
    doors: true,
    serves: true,
  };
  next: { state: Taking; alive: boolean; doors: boolean; serves: boolean } | null = null;
  /** Workers of the old one that nobody has told to drain, after its death. */
  orphans = false;
  toNext: TakingInput[] = [];
  toOld: GivingInput[] = [];
  results: string[] = [];

  clone(): World {
    return Object.assign(new World(), structuredClone({ ...this }));
  }

  tellOld(input: GivingInput): void {
    if (!this.old.alive) return;
    const { state, actions } = giving(this.old.state, input);
    this.old.state = state;
    for (const action of actions) {
      if (action.type === 'start') this.next = { state: 'preparing', alive: true, doors: false, serves: false };
      else if (action.type === 'kill') this.killNext();
      else if (action.type === 'open-doors') {
        assert.ok(!(this.next?.alive && this.next.doors), 'the doors are the successor’s');
        this.old.doors = true;
      } else if (action.type === 'offer') {
        this.old.doors = false;
        this.toNext.push({ type: 'offered' });
      } else if (action.type === 'leave') this.old.serves = false;
      else this.results.push(action.reason);
    }
  }

  tellNext(input: TakingInput): void {
    if (!this.next?.alive) return;
    const { state, actions } = taking(this.next.state, input);
    this.next.state = state;
    for (const action of actions) {
      if (action.type === 'say-ready') this.toOld.push({ type: 'said-ready' });
      else if (action.type === 'say-taken') this.toOld.push({ type: 'said-taken' });
      else if (action.type === 'say-failed') this.toOld.push({ type: 'said-failed', reason: action.reason });
      else if (action.type === 'admit') this.next.serves = true;
      else if (action.type === 'adopt') this.orphans = false;
      else if (action.type === 'open-doors') this.next.doors = true;
      else this.killNext();
    }
  }

  killNext(): void {
    if (this.next === null) return;
    this.next = { ...this.next, alive: false, doors: false, serves: false };
    this.toNext = [];
  }

  killOld(): void {
    this.orphans ||= this.old.serves;
    this.old = { ...this.old, alive: false, doors: false, serves: false };
    this.toOld = [];
  }
}

/** What may happen next; each changes a copy. */
const turns: Record<string, (world: World) => void> = {
  'the successor could serve': (w) => w.tellNext({ type: 'could-serve' }),
  'it could not': (w) => w.tellNext({ type: 'could-not-serve', reason: 'x' }),
  'its doors open': (w) => w.tellNext({ type: 'doors-opened' }),
  'its workers accept': (w) => w.tellNext({ type: 'accepting' }),
  'its doors do not': (w) => w.tellNext({ type: 'doors-failed', reason: 'x', isTaken: false }),
  'it hears': (w) => {
    const input = w.toNext.shift();
    if (input !== undefined) w.tellNext(input);
  },
  'the old one hears': (w) => {
    const input = w.toOld.shift();
    if (input !== undefined) w.tellOld(input);
  },
  'it is killed': (w) => w.killNext(),
  'the old one is killed': (w) => w.killOld(),
  'the old one’s workers have ended': (w) => {
    const isFirst = !w.toNext.some(({ type }) => type === 'predecessor-done');
    if (w.old.alive && w.old.state === 'given' && isFirst) w.toNext.push({ type: 'predecessor-done' });
  },
  'time is over': (w) => w.tellOld({ type: 'late' }),
};

/** What dies is noticed, and all that was said is heard. */
function settle(world: World): void {
  for (let i = 0; i < 8; i += 1) {
    turns['the old one hears']?.(world);
    turns['it hears']?.(world);
    if (world.next !== null && !world.next.alive) world.tellOld({ type: 'gone', how: 'it is gone' });
    if (!world.old.alive) world.tellNext({ type: 'predecessor-gone' });
    if (world.next?.state === 'opening') world.tellNext({ type: 'doors-opened' });
    if (world.next?.state === 'admitting') world.tellNext({ type: 'accepting' });
  }
}

test('every way through an upgrade, to a depth of seven, leaves exactly one supervisor as long as one of them lives, and no worker that nobody drains', () => {
  let ways = 0;
  const walk = (world: World, path: string[]): void => {
    ways += 1;
    const end = world.clone();
    settle(end);
    const story = [...path, JSON.stringify(end)].join('\n');
    // Once it has been handed over, the old one leaves, and the successor's death is the death of any supervisor.
    const lives = [end.old.serves, end.next?.serves ?? false].filter(Boolean).length;
    if (end.old.state === 'given') assert.equal(end.old.serves, false, story);
    else if (end.old.alive) assert.ok(end.old.serves && end.old.doors !== (end.next?.doors ?? false), story);
    if (end.old.state !== 'given' && (end.old.alive || end.next?.alive)) assert.equal(lives, 1, story);
    if (end.next?.alive && (end.old.state === 'given' || !end.old.alive))
      assert.ok(end.next.serves && end.next.doors, story);
    if (end.next?.alive) assert.equal(end.orphans, false, story);
    if (path.length === 7) return;
    for (const [name, turn] of Object.entries(turns)) {
      const next = world.clone();
      turn(next);
      if (JSON.stringify(next) !== JSON.stringify(world)) walk(next, [...path, name]);
    }
  };
  const world = new World();
  world.tellOld({ type: 'asked' });
  walk(world, []);
  assert.ok(ways > 150, `${ways}`);
});

test('an upgrade is one at a time, and ends with the app', () => {
  assert.deepEqual(giving('preparing', { type: 'asked' }).actions, []);
  assert.equal(giving('preparing', { type: 'stopping' }).state, 'idle');
  assert.ok(!giving('offered', { type: 'stopping' }).actions.some(({ type }) => type === 'open-doors'));
});

test('a successor whose predecessor is dead steps aside for a supervisor that has the doors, and for nothing else', () => {
  const alone = taking('preparing', { type: 'predecessor-gone' });
  assert.equal(alone.state, 'alone');
  const taken = taking('alone', { type: 'doors-failed', reason: 'x', isTaken: true });
  assert.deepEqual(taken, { state: 'failed', actions: [{ type: 'step-aside' }] });
  assert.equal(taking('alone', { type: 'doors-failed', reason: 'x', isTaken: false }).state, 'alone');
});
