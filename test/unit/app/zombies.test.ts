import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Zombies } from '../../../src/app/automation/zombies.ts';

test('a zombie that stays is told once; one that is waited for in time is not', () => {
  const told: string[] = [];
  let zombies: number[] = [];
  const one = new Zombies(
    (message) => told.push(message),
    () => zombies,
  );
  for (const now of [[], [7], [8], [], [9]]) {
    zombies = now;
    one.look();
  }
  assert.deepEqual(told, []);
  one.look();
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /^a process that a child of the app has left behind has ended, .* docker run --init/);
});
