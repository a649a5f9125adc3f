// Workers that end themselves: by closing their server, and what comes after.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Process, World } from './fake-world.ts';

const one = { workers: { min: 1, max: 1 } };
const error = 'Error: boom\n    at app.js:1:1';

/** It closes its server `ms` after it is ready, and ends with `code` another `thenMs` later. */
function closesAfter(world: World, ms: number, thenMs: number | null, code = 1, ending = true): void {
  world.watch = () => {
    for (const process of world.processes.values()) {
      if (!process.admitted || watched.has(process)) continue;
      watched.add(process);
      world.after(ms, () => {
        if (!world.processes.has(process.id)) return;
        world.close(process, ending);
        if (thenMs !== null) world.after(thenMs, () => world.die(process, { code }));
      });
    }
  };
}
const watched = new WeakSet<Process>();

test('a proven worker that shuts itself down is replaced while it finishes, and its end is told as it was', () => {
  const world = new World(one).start().run(15_000);
  const old = world.inSlot(0);
  world.close(old, true);
  world.run(300);
  assert.notEqual(world.inSlot(0).id, old.id);
  world.run(20_000);
  assert.equal(old.ordered, null, 'it is left to finish');
  world.die(old, { code: 1, words: { error } });
  const [exit] = world.eventsOf('worker-exit');
  assert.deepEqual([exit?.reason, exit?.code, exit?.detail], ['crashed', 1, 'ended with code 1: Error: boom']);
  world.run(1_000);
  assert.equal(world.forks(), 2);
});

test('one that had not proven itself holds its place until it has ended, then waits by backoff', () => {
  const world = new World(one).start().run(5_000);
  const old = world.inSlot(0);
  world.close(old, true);
  world.run(3_000);
  assert.equal(world.forks(), 1);
  world.die(old, { code: 1 });
  const [restart] = world.eventsOf('worker-restart');
  assert.equal(restart?.earlyDeaths, 1);
  assert.ok((restart?.delayMs ?? 0) > 0);
  world.run(1_000);
  assert.equal(world.serving().length, 1);
});

test('one that has served is replaced while it finishes, however young it is', () => {
  const world = new World(one).start().run(500);
  const old = world.inSlot(0);
  old.answers = 1;
  world.run(2_000);
  world.close(old, true);
  world.run(300);
  assert.notEqual(world.inSlot(0).id, old.id);
  assert.ok(world.processes.has(old.id), 'it is left to finish');
});

test('the time in which a server is closed proves nothing', () => {
  const world = new World(one).start().run(5_000);
  const old = world.inSlot(0);
  world.close(old, true);
  world.run(20_000);
  world.die(old, { code: 1 });
  assert.equal(world.eventsOf('worker-restart')[0]?.earlyDeaths, 1);
});

test('restart: never and on-failure are kept, whatever the way to the end', () => {
  for (const ending of [true, false]) {
    for (const [restart, code, after] of [
      ['never', 0, 0],
      ['never', 1, 1],
      ['on-failure', 0, 0],
    ] as const) {
      const world = new World({ ...one, restart }).start().run(15_000);
      const old = world.inSlot(0);
      world.close(old, ending);
      world.run(8_000);
      world.die(old, { code });
      world.run(1_000);
      assert.equal(world.forks(), 1, `${restart} after code ${code}`);
      assert.equal(world.exit?.code, after);
    }
  }
  const world = new World({ ...one, restart: 'on-failure' }).start().run(15_000);
  const old = world.inSlot(0);
  world.close(old, true);
  world.run(2_000);
  assert.equal(world.forks(), 1, 'its code is not known yet');
  world.die(old, { code: 1 });
  world.run(1_000);
  assert.equal(world.serving().length, 1);
});

test('a server that listens again a moment later has lost nothing', () => {
  const world = new World(one).start().run(15_000);
  const old = world.inSlot(0);
  for (let times = 0; times < 5; times += 1) {
    world.close(old, false);
    world.run(4_000);
    world.listen(old);
    world.run(10_000);
  }
  assert.equal(world.forks(), 1);
  assert.deepEqual([world.inSlot(0).id, old.ordered], [old.id, null]);
});

test('one that stays closed is replaced after 5 s, and drained if it listens after that', () => {
  const world = new World(one).start().run(15_000);
  const old = world.inSlot(0);
  world.close(old, false);
  world.run(4_900);
  assert.equal(world.forks(), 1);
  world.run(500);
  assert.equal(world.forks(), 2);
  world.listen(old);
  world.run(500);
  assert.ok(!world.processes.has(old.id));
  assert.equal(world.eventsOf('worker-exit')[0]?.reason, 'planned');
  assert.equal(world.serving().length, 1);
});

test('one that held its place and listens again has it still', () => {
  const world = new World(one).start().run(5_000);
  const old = world.inSlot(0);
  world.close(old, false);
  world.run(8_000);
  world.listen(old);
  world.run(60_000);
  assert.equal(world.forks(), 1);
  assert.equal(world.inSlot(0).id, old.id);
  assert.equal(world.supervisor.snapshot().workers[0]?.state, 'ready');
});

test('who never finishes has drainTimeout and stopTimeout, then SIGTERM, then SIGKILL', () => {
  const world = new World(one);
  world.behave = ({ nth }) => (nth === 1 ? { stopMs: null } : {});
  world.start().run(15_000);
  const from = world.now();
  const old = world.inSlot(0);
  world.close(old, true);
  world.run(40_000);
  const ends = world.actions.filter(({ action }) => action.type === 'terminate' || action.type === 'kill');
  assert.deepEqual(
    ends.map(({ at, action }) => [action.type, at - from]),
    [
      ['terminate', 28_000],
      ['kill', 31_000],
    ],
  );
  assert.equal(world.eventsOf('worker-exit')[0]?.reason, 'timed-out');
});

test('a loop of workers that close their server backs off, whether they end or not', () => {
  for (const thenMs of [0, 100, 3_000, null]) {
    for (const ending of [true, false]) {
      const world = new World({ ...one, giveUpMs: 'never' }, 3);
      closesAfter(world, 100, thenMs, 1, ending);
      world.start();
      const from = world.now();
      world.run(60_000);
      assert.ok(world.forks(from) <= 20, `${world.forks(from)} starts in 60 s`);
    }
  }
});

test('a canary that closes its server fails the reload when it does not listen again', () => {
  const again = new World({ canaryTimeMs: 2_000 }).start().run(15_000);
  const failing = new World({ canaryTimeMs: 2_000 }).start().run(15_000);
  const [id] = [again.command({ type: 'reload' }), failing.command({ type: 'reload' })];
  for (const world of [again, failing]) {
    world.run(500);
    const canary = [...world.processes.values()].find(({ generation }) => generation === 2);
    assert.ok(canary);
    world.close(canary, false);
    world.run(3_000);
    assert.equal(world.answers.has(id), false);
    if (world === again) world.listen(canary);
    world.run(5_000);
  }
  assert.equal(again.answer(id).outcome, 'done');
  const failed = failing.answer(id);
  assert.deepEqual(
    [failed.outcome, 'reason' in failed && failed.reason],
    ['failed', 'the first new worker failed: it closed its last listening socket'],
  );
});

test('a reload does not wait for an old worker that takes its time to end', () => {
  const world = new World({ workers: { min: 2, max: 2 } }).start().run(5_000);
  const old = world.inSlot(1);
  world.close(old, true);
  const from = world.now();
  const id = world.command({ type: 'reload' });
  world.run(4_000);
  assert.deepEqual(
    world.serving().map(({ generation }) => generation),
    [2, 2],
  );
  assert.ok(world.processes.has(old.id), 'it is left to finish');
  world.die(old, { code: 1 });
  world.run(1_000);
  assert.equal(world.answer(id).outcome, 'done');
  assert.equal(world.forks(from), 2);
});

test('a stop tells who shuts itself down at once, and leaves it the time that it has', () => {
  const world = new World(one);
  world.behave = () => ({ stopMs: null });
  world.start().run(5_000);
  const old = world.inSlot(0);
  world.close(old, true);
  world.run(1_000);
  world.command({ type: 'stop' });
  assert.equal(old.ordered, 'terminate');
  world.run(20_000);
  const code = (): number | undefined => world.exit?.code;
  assert.equal(code(), undefined);
  world.die(old, { code: 0 });
  assert.equal(code(), 0);
});

test('a TERM from outside reaches who shuts itself down', () => {
  const world = new World(one).start().run(5_000);
  const old = world.inSlot(0);
  world.close(old, true);
  world.run(100);
  world.send({ type: 'worker-signalled', worker: old.id, signal: 'SIGTERM' });
  assert.equal(old.ordered, 'terminate');
  world.run(1_000);
  assert.equal(world.serving().length, 1);
});

test('what lasts ends a drain early, and its worker has the rest of the time to take leave', () => {
  const world = new World(one);
  world.behave = ({ nth }) => (nth === 1 ? { drainMs: null, stopMs: null } : {});
  world.start().run(5_000);
  const from = world.now();
  const old = world.inSlot(0);
  world.command({ type: 'stop' });
  world.run(300);
  world.send({ type: 'worker-drained', worker: old.id, left: ['2 upgraded connections'], lasting: true });
  assert.equal(old.ordered, 'terminate');
  world.run(20_000);
  assert.equal(world.exit, null, 'it is still taking leave');
  world.run(20_000);
  const kill = world.actions.find(({ action }) => action.type === 'kill');
  assert.equal((kill?.at ?? 0) - from, 25_500 + 3_000);
});

test('what lasts and is taken leave of is no incident, and what was overran is called by its name', () => {
  for (const [way, reason, detail] of [
    ['ends', 'planned', undefined],
    ['stays', 'timed-out', '1 old worker overran stopTimeout and had to be killed'],
    ['is cut', 'timed-out', '1 old worker overran drainTimeout: what was left was cut off'],
  ] as const) {
    const world = new World(one);
    world.behave = ({ nth }) => (nth === 1 ? { drainMs: null, stopMs: way === 'stays' ? null : 10 } : {});
    world.start().run(15_000);
    const old = world.inSlot(0);
    const id = world.command({ type: 'reload' });
    world.run(4_000);
    assert.equal(old.ordered, 'drain');
    const lasting = way !== 'is cut';
    world.send({ type: 'worker-drained', worker: old.id, left: ['something'], lasting });
    world.run(40_000);
    assert.equal(world.eventsOf('worker-exit')[0]?.reason, reason);
    const answer = world.answer(id);
    assert.deepEqual([answer.outcome, 'detail' in answer ? answer.detail : undefined], ['done', detail]);
  }
});

test('a drain learns that the app stops, from the start or in its course', () => {
  const world = new World({ workers: { min: 2, max: 2 } });
  world.behave = ({ nth }) => (nth <= 2 ? { drainMs: null } : {});
  world.start().run(15_000);
  const [first, second] = [world.inSlot(0), world.inSlot(1)];
  world.command({ type: 'recycle', slot: 0 });
  world.run(1_000);
  assert.deepEqual([first.ordered, first.stops], ['drain', false]);
  const from = world.now();
  world.command({ type: 'stop' });
  const drains = world.actions.filter(({ at, action }) => at >= from && action.type === 'drain');
  assert.deepEqual([first.stops, second.stops, drains.length], [true, true, 3]);
});
