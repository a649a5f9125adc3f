import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suggest } from '../../../src/config/suggest.ts';

const known = ['workers', 'drainTimeout', 'stopTimeout', 'env', 'entry'];

test('the nearest word is suggested, and only when it is near', () => {
  assert.equal(suggest('worker', known), 'workers');
  assert.equal(suggest('wrokers', known), 'workers');
  assert.equal(suggest('drain_timeout', known), 'drainTimeout');
  assert.equal(suggest('draintimout', known), 'drainTimeout');
  assert.equal(suggest('evn', known), 'env');
  assert.equal(suggest('port', known), null);
  assert.equal(suggest('x', known), null);
});
