import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRate } from '../../../src/dashboard/page/format.ts';
import { appended, continued } from '../../../src/dashboard/page/state/points.ts';
import type { HistoryPoint } from '../../../src/metrics/history.ts';

const points = (...times: number[]) => times.map((at) => ({ at }) as HistoryPoint);
const timesOf = (some: readonly HistoryPoint[]) => some.map(({ at }) => at);
const one = (at: number) => ({ at }) as HistoryPoint;

test('a rate is shown as it is, not as the length of a second made it', () => {
  assert.deepEqual([9.99, 5.98, 0.99, 49.02, 0, 1234.4].map(formatRate), ['10', '6', '1', '49', '0', '1,234']);
  assert.equal(formatRate(2.46), '2.5');
});

test('the chart goes on after the clock was set back', () => {
  assert.deepEqual(timesOf(appended(points(1, 2, 3), one(4), 3)), [2, 3, 4]);
  assert.deepEqual(timesOf(appended(points(1, 2, 3), one(2), 3)), [1, 2]);
});

test('a point that came while the history was on its way is kept, those of an earlier supervisor are not', () => {
  assert.deepEqual(timesOf(continued(points(1, 2, 3), points(3, 4))), [1, 2, 3, 4]);
  assert.deepEqual(timesOf(continued([], points(3, 4))), []);
});
