import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Policy } from '../../../src/supervisor/vocabulary/policy.ts';
import { World } from './fake-world.ts';

/** Three workers, a second old, whose number is watched from here on. */
function running(policy: ConstructorParameters<typeof World>[0] = {}) {
  const world = new World({ workers: { min: 3, max: 3 }, ...policy }).start().run(1_000);
  const seen = { least: 3 };
  world.watch = () => {
    seen.least = Math.min(seen.least, world.serving().length);
  };
  return { world, seen };
}

/** What the last reload left behind, as everybody is shown it. */
const standing = (world: World) => world.supervisor.snapshot().reload.standing;
const generations = (world: World) => world.serving().map(({ generation }) => generation);

test('a canary that cannot boot fails the reload with its last lines; the old generation stays and is restarted', () => {
  const { world, seen } = running();
  world.behave = ({ generation }) => (generation === 2 ? { exitAfterMs: 50, bootMs: null } : {});
  const id = world.command({ type: 'reload' });
  world.run(10_000);
  const result = world.answer(id);
  assert.equal(result.outcome, 'failed');
  assert.match(result.outcome === 'failed' ? result.reason : '', /ended with code 1 before it was ready/);
  assert.deepEqual(result.outcome === 'failed' ? result.lastLines : [], ['worker 4 says goodbye']);
  assert.equal(world.forks(), 4, 'no second canary');
  assert.deepEqual(generations(world), [1, 1, 1]);
  assert.equal(seen.least, 3);
  world.die(world.inSlot(0));
  world.run(500);
  assert.deepEqual(generations(world), [1, 1, 1]);
  assert.equal(world.supervisor.snapshot().reload.result, 'failed');
  assert.ok(world.actions.some(({ action }) => action.type === 'unpin' && action.generation === 2));
});

test('a canary that dies 1 s after it was ready, misses startTimeout or closes its port fails the reload', () => {
  const ways = [{ exitAfterMs: 1_100 }, { bootMs: null }, { probe: false }];
  for (const way of ways) {
    const { world, seen } = running({ startTimeoutMs: 5_000, probe: '/' });
    world.behave = ({ generation }) => (generation === 2 ? way : {});
    const id = world.command({ type: 'reload' });
    world.run(12_000);
    assert.equal(world.answer(id).outcome, 'failed');
    assert.deepEqual(generations(world), [1, 1, 1]);
    assert.equal(seen.least, 3);
  }
  const { world } = running();
  const id = world.command({ type: 'reload' });
  world.run(500);
  world.send({ type: 'worker-closed', worker: 4, ending: true });
  world.run(500);
  assert.equal(world.answer(id).outcome, 'failed');
  assert.deepEqual(generations(world), [1, 1, 1]);
});

test('a canary that somebody kills is no verdict: another one is tried', () => {
  const { world } = running();
  const id = world.command({ type: 'reload' });
  world.run(500);
  const canary = [...world.processes.values()].find(({ generation }) => generation === 2);
  assert.ok(canary);
  world.die(canary, { signal: 'SIGKILL' });
  world.run(5_000);
  assert.equal(world.answer(id).outcome, 'done');
});

test('the canary takes a slot whose old worker lives until the canary has passed', () => {
  const { world } = running();
  world.command({ type: 'reload' });
  world.run(1_900);
  const inSlot0 = [...world.processes.values()].filter(({ slot }) => slot === 0);
  assert.deepEqual(
    inSlot0.map(({ generation, admitted }) => ({ generation, admitted })),
    [
      { generation: 1, admitted: true },
      { generation: 2, admitted: false },
    ],
  );
  world.run(600);
  assert.ok(world.serving().every(({ slot, generation }) => slot !== 0 || generation === 2));
});

test('canaryTime 0 rolls on as soon as the first new worker is ready', () => {
  const { world, seen } = running({ canaryTimeMs: 0 });
  const id = world.command({ type: 'reload' });
  world.run(600);
  assert.equal(world.answer(id).outcome, 'done');
  assert.equal(seen.least, 3);
});

test('surge: that many workers are replaced at the same time, not more', () => {
  const { world } = running({ workers: { min: 6, max: 6 }, surge: 3, canaryTimeMs: 0 });
  let most = 0;
  world.watch = () => {
    const booting = [...world.processes.values()].filter(({ admitted, ordered }) => !admitted && ordered === null);
    most = Math.max(most, booting.length);
  };
  world.command({ type: 'reload' });
  world.run(2_000);
  assert.equal(most, 3);
  assert.deepEqual(generations(world), [2, 2, 2, 2, 2, 2]);
});

test('one failure in the roll is allowed, the second rolls back to the old generation, new before old', () => {
  for (const failures of [1, 2]) {
    const { world, seen } = running();
    let failed = 0;
    world.behave = ({ generation, slot }) => {
      if (generation !== 2 || slot !== 2 || failed === failures) return {};
      failed += 1;
      return { exitAfterMs: 50, bootMs: null };
    };
    const id = world.command({ type: 'reload' });
    world.run(15_000);
    const result = world.answer(id);
    assert.equal(result.outcome, failures === 1 ? 'done' : 'failed');
    assert.deepEqual(generations(world), failures === 1 ? [2, 2, 2] : [1, 1, 1]);
    assert.equal(seen.least, 3);
    assert.equal(world.eventsOf('reload-failed')[0]?.rolledBack, failures === 1 ? undefined : true);
    assert.equal(standing(world)?.headline, failures === 1 ? undefined : 'refused and taken back');
  }
});

test('files overwritten in place: no living old worker is retired, the answer says so, lost ones come back mixed', () => {
  const { world } = running();
  world.pin = () => ({ changedInPlace: true });
  world.behave = ({ nth }) => (nth > 3 ? { exitAfterMs: 50, bootMs: null } : {});
  const id = world.command({ type: 'reload' });
  world.run(5_000);
  const result = world.answer(id);
  assert.ok(result.outcome === 'failed' && result.standing);
  assert.deepEqual(standing(world), result.standing);
  assert.equal(result.standing.headline, 'refused, nothing changed');
  assert.equal(result.standing.summary, '3 of 3 workers run the old code (generation 1)');
  assert.match(
    result.standing.warning ?? '',
    /overwritten on disk: a worker that dies now is started from what is there/,
  );
  assert.deepEqual(world.eventsOf('reload-failed')[0]?.standing, result.standing);
  assert.deepEqual(generations(world), [1, 1, 1]);
  world.die(world.inSlot(1));
  world.run(10_000);
  const restarts = world.eventsOf('worker-restart');
  assert.ok(restarts.length >= 3 && restarts.every(({ mixed }) => mixed));
  assert.deepEqual(generations(world), [1, 1]);
  assert.equal(standing(world)?.summary, '2 of 3 workers run the old code (generation 1)');

  world.behave = () => ({});
  world.run(40_000);
  assert.equal(
    standing(world)?.summary,
    '2 of 3 workers run the old code (generation 1), 1 was started from the overwritten files',
  );
  const again = world.command({ type: 'reload' });
  world.run(10_000);
  assert.equal(world.answer(again).outcome, 'done');
  assert.deepEqual(generations(world), [3, 3, 3]);
  assert.equal(standing(world), null);
});

test('a refused deploy stays visible until a reload succeeds', () => {
  const { world } = running();
  world.pin = (generation) => (generation === 2 ? { refused: 'the configuration is not valid' } : {});
  world.behave = ({ generation }) => (generation === 3 ? { exitAfterMs: 50, bootMs: null } : {});
  for (const generation of [2, 3]) {
    world.command({ type: 'reload' });
    world.run(60_000);
    assert.equal(standing(world)?.headline, 'refused, nothing changed');
    assert.equal(standing(world)?.warning, null, 'the old files are still there');
    assert.equal(world.supervisor.snapshot().reload.generation, generation);
  }
  world.command({ type: 'scale', to: 4 });
  world.run(5_000);
  assert.equal(standing(world)?.summary, '4 of 4 workers run the old code (generation 1)');
  world.command({ type: 'reload' });
  world.run(10_000);
  assert.equal(standing(world), null);
});

test('where none ever served, a refused deploy does not say that the old code does', () => {
  const world = new World({ workers: { min: 2, max: 2 } });
  world.behave = () => ({ exitAfterMs: 50, bootMs: null });
  world.start();
  const id = world.command({ type: 'reload' });
  world.run(500);
  const result = world.answer(id);
  assert.ok(result.outcome === 'failed' && result.standing);
  assert.equal(result.standing.summary, 'no worker serves, and none ever has');
});

test('files overwritten in place, failure in the roll: both generations stay as they are', () => {
  const { world } = running();
  world.pin = () => ({ changedInPlace: true });
  world.behave = ({ generation, slot }) => (generation === 2 && slot === 1 ? { exitAfterMs: 50, bootMs: null } : {});
  const id = world.command({ type: 'reload' });
  world.run(10_000);
  const result = world.answer(id);
  assert.ok(result.outcome === 'degraded' && result.standing);
  assert.equal(result.standing.headline, 'stopped half-way');
  assert.equal(result.standing.summary, '1 of 3 workers runs the old code (generation 1), 2 the new');
  assert.match(result.standing.warning ?? '', /overwritten/);
  assert.deepEqual(generations(world).sort(), [1, 2, 2]);
  world.run(60_000);
  assert.deepEqual(generations(world).sort(), [1, 2, 2]);
});

test('files changed under the current generation: scale-ups, recycles and spares wait, crash restarts go on', () => {
  const { world } = running();
  world.send({ type: 'generation-changed-in-place', generation: 1 });
  assert.equal(world.answer(world.command({ type: 'recycle', slot: 0 })).outcome, 'refused');
  assert.equal(world.answer(world.command({ type: 'scale', to: 4 })).outcome, 'degraded');
  world.run(5_000);
  assert.equal(world.forks(), 3);
  assert.equal(world.eventsOf('held-back').length, 1);
  world.die(world.inSlot(0));
  world.run(1_000);
  assert.equal(world.forks(), 4);
  world.command({ type: 'reload' });
  world.run(10_000);
  assert.deepEqual(generations(world), [2, 2, 2, 2]);
});

test('a pin that is refused changes nothing', () => {
  const { world } = running();
  world.pin = () => ({ refused: 'the entry does not exist' });
  const id = world.command({ type: 'reload' });
  assert.equal(world.supervisor.snapshot().reload.state, 'pinning');
  world.run(100);
  const result = world.answer(id);
  assert.ok(result.outcome === 'failed');
  assert.deepEqual([result.reason, result.generation], ['the entry does not exist', 1]);
  assert.equal(result.standing?.summary, '3 of 3 workers run the old code (generation 1)');
  assert.equal(world.forks(), 3);
  assert.equal(world.supervisor.snapshot().state, 'running');
});

test('the latest reload wins: while pinning, as a canary, in the roll', () => {
  for (const after of [5, 1_000, 2_250]) {
    const { world, seen } = running();
    const first = world.command({ type: 'reload' });
    world.run(after);
    const second = world.command({ type: 'reload' });
    world.run(15_000);
    assert.equal(world.answer(first).outcome, 'superseded', `after ${after} ms`);
    // While it is pinned a reload has not begun, so nothing is told of its end.
    const told = world.eventsOf('reload-failed').map(({ superseded }) => superseded);
    assert.deepEqual(told, after === 5 ? [] : [true]);
    assert.equal(world.answer(second).outcome, 'done');
    assert.deepEqual(generations(world), [3, 3, 3]);
    assert.equal(seen.least, 3);
  }
});

test('a later reload that cannot be pinned leaves the running one alone', () => {
  const { world } = running();
  world.pin = (generation) => (generation === 3 ? { refused: 'the configuration is not valid' } : {});
  const first = world.command({ type: 'reload' });
  world.run(1_000);
  const second = world.command({ type: 'reload' });
  world.run(10_000);
  assert.equal(world.answer(second).outcome, 'failed');
  assert.equal(world.answer(first).outcome, 'done');
  assert.deepEqual(generations(world), [2, 2, 2]);
});

test('a reload that takes over a half done one and fails goes back to the last good generation', () => {
  const { world, seen } = running();
  world.behave = ({ generation }) => (generation === 3 ? { exitAfterMs: 50, bootMs: null } : {});
  world.command({ type: 'reload' });
  world.run(2_250);
  assert.ok(generations(world).includes(2) && generations(world).includes(1));
  const id = world.command({ type: 'reload' });
  world.run(10_000);
  assert.equal(world.answer(id).outcome, 'failed');
  assert.deepEqual(generations(world), [1, 1, 1]);
  assert.equal(seen.least, 3);
});

test('a rollback that fails too ends degraded, with every worker that lives', () => {
  const { world, seen } = running();
  world.behave = ({ generation, slot }) =>
    (generation === 2 && slot === 2) || generation === 1 ? { exitAfterMs: 50, bootMs: null } : {};
  const id = world.command({ type: 'reload' });
  world.run(30_000);
  const result = world.answer(id);
  assert.ok(result.outcome === 'degraded');
  assert.match(result.reason, /rolling back to generation 1 failed too: 3 of its workers failed early/);
  assert.equal(world.serving().length, 3);
  assert.equal(seen.least, 3);
});

test('rollback goes to the generation before, as a new one, and is refused without one', () => {
  const { world } = running({ canaryTimeMs: 0 });
  assert.equal(world.answer(world.command({ type: 'rollback' })).outcome, 'refused');
  world.command({ type: 'reload' });
  world.run(5_000);
  const id = world.command({ type: 'rollback' });
  const pin = world.actions.findLast(({ action }) => action.type === 'pin')?.action;
  assert.deepEqual(pin, { type: 'pin', generation: 3, from: { generation: 1 } });
  world.run(5_000);
  assert.equal(world.answer(id).outcome, 'done');
  assert.deepEqual(generations(world), [3, 3, 3]);
  assert.equal(world.eventsOf('reload-started')[1]?.kind, 'rollback');
});

test('a reload cures a crash loop, with the circuit open', () => {
  const { world } = running();
  world.run(15_000);
  world.watch = () => undefined;
  world.behave = ({ generation }) => (generation === 1 ? { exitAfterMs: 50, bootMs: null } : {});
  for (const process of world.serving()) world.die(process);
  world.run(30_000);
  assert.equal(world.supervisor.snapshot().circuit, 'open');
  const id = world.command({ type: 'reload' });
  world.run(3_000);
  assert.equal(world.answer(id).outcome, 'done');
  assert.deepEqual(generations(world), [2, 2, 2]);
  assert.equal(world.supervisor.snapshot().circuit, 'closed');
});

test('a bad reload in a crash loop leaves the old generation to its backoff', () => {
  const { world } = running();
  world.watch = () => undefined;
  world.behave = () => ({ exitAfterMs: 50, bootMs: null });
  for (const process of world.serving()) world.die(process);
  world.run(30_000);
  const id = world.command({ type: 'reload' });
  world.run(3_000);
  assert.equal(world.answer(id).outcome, 'failed');
  world.behave = ({ generation }) => (generation === 1 ? {} : { exitAfterMs: 50, bootMs: null });
  world.run(15_000);
  assert.deepEqual(generations(world), [1, 1, 1]);
});

test('an old worker lost while the canary is tried is restarted from the old generation', () => {
  const { world } = running();
  world.run(15_000);
  world.command({ type: 'reload' });
  world.run(1_000);
  const old = world.serving().find(({ slot, generation }) => slot === 0 && generation === 1);
  assert.ok(old);
  world.die(old);
  const fork = world.actions.findLast(({ action }) => action.type === 'fork')?.action;
  assert.equal(fork?.type === 'fork' ? fork.generation : 0, 1);
  world.run(10_000);
  assert.deepEqual(generations(world), [2, 2, 2]);
});

test('a changed number of workers is applied when the reload succeeds, and only then', () => {
  for (const isGood of [false, true]) {
    const { world } = running();
    world.pin = () => null;
    world.behave = ({ generation }) => (generation === 2 && !isGood ? { exitAfterMs: 50, bootMs: null } : {});
    world.command({ type: 'reload' });
    const policy = { workers: { min: 5, max: 5 } };
    world.send({ type: 'generation-pinned', generation: 2, entry: '/app/2', policy, changedInPlace: false });
    world.run(1_500);
    assert.equal(world.supervisor.snapshot().target, 3);
    world.run(10_000);
    assert.equal(world.serving().length, isGood ? 5 : 3);
  }
});

test('the answer waits for the old workers, and says when they had to be ended', () => {
  const { world } = running({ workers: { min: 1, max: 1 } });
  for (const process of world.processes.values()) process.behaviour.drainMs = null;
  const id = world.command({ type: 'reload' });
  world.run(10_000);
  assert.equal(world.answers.has(id), false);
  assert.deepEqual(generations(world), [2]);
  world.run(20_000);
  const result = world.answer(id);
  assert.match(result.outcome === 'done' ? (result.detail ?? '') : '', /1 old worker/);
});

test('a pin that comes too late is let go', () => {
  const { world } = running();
  world.pin = () => null;
  const first = world.command({ type: 'reload' });
  world.command({ type: 'reload' });
  assert.equal(world.answer(first).outcome, 'superseded');
  world.send({ type: 'generation-pinned', generation: 2, entry: '/late', changedInPlace: false });
  assert.ok(world.actions.some(({ action }) => action.type === 'unpin' && action.generation === 2));
  assert.equal(world.forks(), 3);
});

test('a new configuration holds for new workers at once, for the pool when the reload succeeds, and goes back with a rollback', () => {
  const { world } = running({ canaryTimeMs: 0 });
  world.pin = () => null;
  const pinned = (generation: number, policy?: Partial<Policy>) =>
    world.send({
      type: 'generation-pinned',
      generation,
      entry: `/app/${generation}`,
      changedInPlace: false,
      ...(policy && { policy }),
    });
  const probes = () => world.actions.filter(({ action }) => action.type === 'probe').length;

  world.command({ type: 'reload' });
  pinned(2, { probe: '/health', drainTimeoutMs: 7_000, workers: { min: 4, max: 4 } });
  const fork = world.actions.findLast(({ action }) => action.type === 'fork')?.action;
  assert.equal(fork?.type === 'fork' && fork.gated, true);
  world.run(5_000);
  assert.equal(probes(), 4);
  const drains = () => world.actions.flatMap(({ action }) => (action.type === 'drain' ? [action.timeoutMs] : []));
  assert.deepEqual(drains(), [25_000, 25_000, 25_000], 'old workers drain by the rules they were started with');

  world.command({ type: 'rollback' });
  pinned(3);
  world.run(5_000);
  assert.equal(probes(), 4, 'the old configuration had no probe');
  assert.deepEqual(generations(world), [3, 3, 3], 'nor a fourth worker');
  assert.deepEqual(drains().slice(3, 7), [7_000, 7_000, 7_000, 7_000]);
});

test('the old worker drains only when the new one accepts from its own copies', () => {
  const { world } = running({ workers: { min: 1, max: 1 } });
  world.behave = () => ({ acceptMs: null });
  const id = world.command({ type: 'reload' });
  world.run(20_000);
  const [old, next] = [...world.processes.values()];
  assert.ok(old && next);
  assert.deepEqual([old.ordered, next.admitted], [null, true]);
  world.send({ type: 'worker-accepting', worker: next.id });
  assert.equal(old.ordered, 'drain');
  world.run(1_000);
  assert.equal(world.answer(id).outcome, 'done');
});

test('a scale down waits until those that stay accept from their own copies', () => {
  const { world } = running({ workers: { min: 2, max: 2 } });
  world.behave = () => ({ acceptMs: null });
  world.die(world.inSlot(0));
  world.run(2_000);
  const [stays, leaves] = [world.inSlot(0), world.inSlot(1)];
  world.command({ type: 'scale', to: 1 });
  world.run(2_000);
  assert.equal(leaves.ordered, null);
  world.send({ type: 'worker-accepting', worker: stays.id });
  assert.deepEqual([leaves.ordered, stays.ordered], ['drain', null]);
});
