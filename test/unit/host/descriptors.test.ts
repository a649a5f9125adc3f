import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostParked } from '../../../src/host/sockets/descriptors.ts';

test('clients that wait get what the limit of open files leaves beside a reserve', () => {
  assert.deepEqual([32, 64, 1024, 524_288].map(mostParked), [8, 16, 976, 16_384]);
  assert.ok(mostParked() >= 8);
});
