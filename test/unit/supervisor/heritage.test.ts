// What a supervisor leaves to the one that takes over, and what that one does with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy, World } from './fake-world.ts';

test('the generation that runs is left, and a wanted number only where it is not that of the configuration', () => {
  const world = new World().start().run(1_000);
  assert.equal(world.supervisor.heritage().target, null);
  world.command({ type: 'scale', to: 5 });
  world.run(1_000);
  const { target, current, lastGeneration } = world.supervisor.heritage();
  assert.deepEqual([target, current.number, lastGeneration], [5, 1, 1]);
});

test('a generation that failed is counted, and is not the one that is left', () => {
  const world = new World().start().run(15_000);
  world.behave = ({ generation }) => (generation === 2 ? { exitAfterMs: 50, bootMs: null } : {});
  world.command({ type: 'reload' });
  world.run(60_000);
  const { current, lastGeneration } = world.supervisor.heritage();
  assert.deepEqual([current.number, lastGeneration], [1, 2]);
});

test('a successor goes back to what it was left, and not while it has a generation of its own to go back to', () => {
  const left = (drainTimeoutMs: number) => ({ entry: '/old.js', policy: { ...defaultPolicy, drainTimeoutMs } });
  const world = new World().start().run(15_000);
  const goesBackTo = () => {
    const id = world.command({ type: 'rollback' });
    world.run(60_000);
    assert.equal(world.answer(id).outcome, 'done');
    return world.supervisor.heritage().current.policy.drainTimeoutMs;
  };
  world.send({ type: 'succeeded', previous: { number: 7, ...left(1_234) } });
  assert.equal(goesBackTo(), 1_234);
  world.send({ type: 'succeeded', previous: { number: 8, ...left(5_678) } });
  assert.equal(goesBackTo(), defaultPolicy.drainTimeoutMs);
});
