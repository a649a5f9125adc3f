import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimiter } from '../../../src/logs/own/rate-limiter.ts';

test('kinds that never come again are forgotten, so that their number does not grow for ever', () => {
  const limiter = new RateLimiter({ most: 1, windowMs: 1000 });
  assert.equal(limiter.ask('flood', 0).pass, true);
  assert.equal(limiter.ask('flood', 1).pass, false);
  for (let number = 0; number < 499; number += 1) limiter.ask(`notice ${number}`, 2);
  assert.equal(limiter.ask('flood', 3).pass, false, 'still known among 500');
  limiter.ask('one more', 4);
  assert.equal(limiter.ask('flood', 5).pass, true, 'forgotten');
});
