import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Suspects } from '../../../src/host/suspects.ts';
import type { DyingKind } from '../../../src/protocol/replay.ts';

let now: number;
let suspects: Suspects;
beforeEach(() => {
  now = 0;
  suspects = new Suspects(() => now);
});

function kind(name: string, more: Partial<DyingKind> = {}): DyingKind {
  return { kind: name, count: 1, again: false, answered: false, culprit: false, ...more };
}

const all = () => ['GET /kill', 'GET /slow', 'GET /rare'].filter((each) => suspects.has(each));

test('one death among several kinds proves nothing', () => {
  suspects.died([kind('GET /kill'), kind('GET /slow', { count: 5 })]);
  assert.deepEqual(all(), []);
});

test('the only kind that was there, and the one that was being started, are known at once', () => {
  suspects.died([kind('GET /kill', { count: 2 })]);
  suspects.died([kind('GET /rare', { culprit: true }), kind('GET /slow', { again: true })]);
  assert.deepEqual(all(), ['GET /kill', 'GET /rare']);
});

test('what ran again when the second worker died is known, if it was never answered', () => {
  suspects.died([
    kind('GET /kill', { count: 2, again: true }),
    kind('GET /slow', { again: true, answered: true }),
    kind('GET /rare'),
  ]);
  assert.deepEqual(all(), ['GET /kill']);
});

test('where all that ran again is answered at other times, the fewest are known', () => {
  suspects.died([
    kind('GET /kill', { again: true, answered: true }),
    kind('GET /slow', { count: 9, again: true, answered: true }),
  ]);
  assert.deepEqual(all(), ['GET /kill']);
});

test('a known kind explains a death: what ran again beside it is not suspected', () => {
  suspects.died([kind('GET /kill')]);
  suspects.died([kind('GET /kill'), kind('GET /slow', { count: 3, again: true }), kind('GET /rare', { again: true })]);
  assert.deepEqual(all(), ['GET /kill']);
});

test('a kind is forgotten ten minutes after it was last there', () => {
  suspects.died([kind('GET /kill')]);
  now = 500_000;
  suspects.died([kind('GET /kill'), kind('GET /slow')]);
  now = 1_099_999;
  assert.deepEqual(all(), ['GET /kill']);
  now = 1_100_000;
  assert.deepEqual(all(), []);
});

test('two hundred kinds are kept, the latest', () => {
  for (let i = 0; i <= 200; i += 1) suspects.died([kind(`GET /${i}`)]);
  assert.deepEqual(
    [0, 1, 200].map((i) => suspects.has(`GET /${i}`)),
    [false, true, true],
  );
});
