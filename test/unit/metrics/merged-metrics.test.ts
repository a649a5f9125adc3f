// Promise: metrics of many workers become one, as prom-client would merge them, within the room that there is, and in steps.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MergedMetrics } from '../../../src/metrics/merged-metrics.ts';
import type { AppMetric } from '../../../src/protocol/messages.ts';

type Labels = Record<string, string | number>;
type Value = AppMetric['values'][number];

const wide = { values: 1000, bytes: 100_000 };
const metric = (values: Value[], more: Partial<AppMetric> = {}): AppMetric => ({
  name: 'm',
  help: 'h',
  type: 'gauge',
  values,
  ...more,
});
const value = (number: number, labels: Labels = {}, metricName?: string): Value => ({
  value: number,
  labels,
  ...(metricName !== undefined && { metricName }),
});

/** How often it yielded. */
function add(merged: MergedMetrics, ...metrics: AppMetric[]): number {
  return [...merged.adding(metrics)].length;
}

function mergedOf(...workers: AppMetric[][]): AppMetric[] {
  const merged = new MergedMetrics(wide);
  for (const metrics of workers) add(merged, ...metrics);
  return merged.metrics();
}

test('each aggregator does what its name says', () => {
  for (const [aggregator, expected] of [
    [undefined, 12],
    ['sum', 12],
    ['average', 4],
    ['first', 7],
    ['min', 1],
    ['max', 7],
  ] as const) {
    const workers = [7, 1, 4].map((number) => [
      metric([value(number)], aggregator === undefined ? {} : { aggregator }),
    ]);
    assert.deepEqual(mergedOf(...workers)[0]?.values, [value(expected)], aggregator);
  }
});

test('one that is not to be merged, or names what every object has, is left out', () => {
  for (const aggregator of ['omit', 'toString', '__proto__', 'constructor', '']) {
    assert.deepEqual(mergedOf([metric([value(1)], { aggregator })]), [], aggregator);
  }
});

test('labels in another order are the same labels, and 1 is "1"', () => {
  const [merged] = mergedOf(
    [metric([value(1, { a: 'x', b: 'y' })])],
    [metric([value(2, { b: 'y', a: 'x' })])],
    [metric([value(4, { a: 'x', b: 'z' })])],
  );
  assert.deepEqual(
    merged?.values.map(({ value: number }) => number),
    [3, 4],
  );
});

test('values without a common label, name or part do not run into one another', () => {
  for (const values of [
    [value(1, { a: 'b' }), value(2, { a: 'b', c: '' })],
    [value(1, { a: '1,b' }), value(2, { a: '1', b: '' })],
    [value(1, {}, 'm_sum'), value(2, {}, 'm_count')],
    [value(1), value(2, {}, 'm')],
  ]) {
    assert.deepEqual(mergedOf([metric(values)])[0]?.values, values);
  }
});

test('the buckets of a histogram are summed each, with its sum and count', () => {
  const one = (factor: number): AppMetric =>
    metric(
      [
        value(factor, { le: 0.1, route: '/' }, 'm_bucket'),
        value(2 * factor, { le: '+Inf', route: '/' }, 'm_bucket'),
        value(0.5 * factor, { route: '/' }, 'm_sum'),
        value(2 * factor, { route: '/' }, 'm_count'),
      ],
      { type: 'histogram' },
    );
  assert.deepEqual(mergedOf([one(1)], [one(2)]), [one(3)]);
});

test('averages count each set of labels by itself', () => {
  const given = (values: Value[]) => [metric(values, { aggregator: 'average' })];
  const [merged] = mergedOf(given([value(2, { a: 'x' }), value(10, { a: 'y' })]), given([value(4, { a: 'x' })]));
  assert.deepEqual(merged?.values, [value(3, { a: 'x' }), value(10, { a: 'y' })]);
});

test('asked twice, the answer is the same, and what was given is as it was', () => {
  const given = metric([value(2)], { aggregator: 'average' });
  const merged = new MergedMetrics(wide);
  add(merged, given);
  add(merged, metric([value(4)], { aggregator: 'average' }));
  assert.deepEqual(merged.metrics(), merged.metrics());
  assert.deepEqual(given.values, [value(2)]);
});

test('beyond its room nothing new is taken, what is known goes on, and the rest is counted', () => {
  const merged = new MergedMetrics({ values: 3, bytes: 100_000 });
  const all = Array.from({ length: 5 }, (_, at) => value(1, { at }));
  add(merged, metric(all));
  assert.equal(merged.leftOut, 2);
  add(merged, metric(all));
  assert.equal(merged.leftOut, 4);
  assert.deepEqual(
    merged.metrics()[0]?.values.map(({ value: number }) => number),
    [2, 2, 2],
  );
});

test('long labels are bounded too', () => {
  const merged = new MergedMetrics({ values: 1000, bytes: 1000 });
  add(merged, metric(Array.from({ length: 50 }, (_, at) => value(1, { at: `${at}`.padStart(100, '0') }))));
  const { length } = merged.metrics()[0]?.values ?? [];
  assert.ok(length >= 8 && length <= 10, `${length}`);
  assert.equal(merged.leftOut, 50 - length);
});

test('a histogram that was begun is never cut', () => {
  const merged = new MergedMetrics({ values: 2, bytes: 100_000 });
  const buckets = ['0.1', '1', '+Inf'].map((le) => value(1, { le }, 'm_bucket'));
  add(merged, metric([...buckets, value(1, {}, 'm_sum'), value(3, {}, 'm_count')], { type: 'histogram' }));
  add(merged, metric([value(1)], { name: 'other' }));
  const [histogram, other] = merged.metrics();
  assert.equal(histogram?.values.length, 5);
  assert.deepEqual(other?.values, []);
});

test('whoever merges may do something else after each 200 values, over all metrics', () => {
  const values = Array.from({ length: 150 }, (_, at) => value(1, { at }));
  const merged = new MergedMetrics(wide);
  assert.equal(add(merged, metric(values), metric(values, { name: 'n' }), metric(values, { name: 'o' })), 2);
  assert.equal(add(merged, metric([value(1)])), 0);
});

test('what the first worker said of a metric holds', () => {
  const [merged] = mergedOf([metric([value(1)], { help: 'old' })], [metric([value(1)], { help: 'new' })]);
  assert.equal(merged?.help, 'old');
});
