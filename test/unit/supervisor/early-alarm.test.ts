import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './fake-world.ts';

test('an alarm that rings a millisecond early is set again, and nothing is forgotten', () => {
  const world = new World().start().run(1_000);
  // Killed from outside six times within a second: the cap of five starts a second makes the last one wait.
  for (let i = 0; i < 5; i += 1) {
    for (const process of world.serving()) world.die(process, { signal: 'SIGKILL' });
    world.run(110);
  }
  for (const process of world.serving()) world.die(process, { signal: 'SIGKILL' });
  assert.equal(world.processes.size, 0, 'the cap holds the next start back');
  world.wakeEarly(1);
  assert.equal(world.processes.size, 0, 'it is not time yet');
  world.run(2_000);
  assert.equal(world.serving().length, 2);
});
