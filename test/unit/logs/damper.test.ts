import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Damper } from '../../../src/logs/own/rate-limiter.ts';

test('kinds that never come again are forgotten, so that their number does not grow for ever', () => {
  const damper = new Damper({ most: 1, windowMs: 1000 });
  assert.equal(damper.ask('flood', 0).pass, true);
  assert.equal(damper.ask('flood', 1).pass, false);
  for (let number = 0; number < 499; number += 1) damper.ask(`notice ${number}`, 2);
  assert.equal(damper.ask('flood', 3).pass, false, 'still known among 500');
  damper.ask('one more', 4);
  assert.equal(damper.ask('flood', 5).pass, true, 'forgotten');
});
