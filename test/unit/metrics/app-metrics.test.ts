import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppMetrics } from '../../../src/metrics/app-metrics.ts';
import type { AppMetric } from '../../../src/protocol/messages.ts';

function counter(value: number, name = 'orders_total'): AppMetric {
  return { name, help: 'Orders.', type: 'counter', aggregator: 'sum', values: [{ value, labels: { kind: 'web' } }] };
}

function gauge(value: number, aggregator: string): AppMetric {
  return { name: `level_${aggregator}`, help: 'Level.', type: 'gauge', aggregator, values: [{ value, labels: {} }] };
}

/** Workers that answer as they are told; those without an answer hang. */
function setUp(answers: Map<number, AppMetric[] | null>, silent: number[] = []) {
  const metrics = new AppMetrics({
    ask: (seq) => {
      queueMicrotask(() => {
        for (const [worker, answer] of answers) metrics.reply(worker, seq, answer);
      });
      return { asked: [...answers.keys(), ...silent], quiet: [] };
    },
  });
  return metrics;
}

async function valuesOf(metrics: AppMetrics): Promise<Record<string, number | undefined>> {
  return Object.fromEntries((await metrics.collect()).metrics.map((metric) => [metric.name, metric.values[0]?.value]));
}

test('metrics of all workers are merged by their aggregator', async () => {
  const of = (value: number) => [
    counter(value),
    ...['sum', 'min', 'max', 'average', 'first', 'omit'].map((how) => gauge(value, how)),
  ];
  const metrics = setUp(
    new Map([
      [1, of(10)],
      [2, of(20)],
      [3, null],
    ]),
  );
  assert.deepEqual(await valuesOf(metrics), {
    orders_total: 30,
    level_sum: 30,
    level_min: 10,
    level_max: 20,
    level_average: 15,
    level_first: 10,
  });
});

test('an application without prom-client has no metrics of its own', async () => {
  assert.deepEqual((await setUp(new Map([[1, null]])).collect()).metrics, []);
});

test('counters of a worker that is gone stay counted, its gauges do not', async () => {
  const answers = new Map([
    [1, [counter(10), gauge(5, 'sum')]],
    [2, [counter(1), gauge(7, 'sum')]],
  ]);
  const metrics = setUp(answers);
  await metrics.collect();
  metrics.reply(1, null, [counter(13), gauge(5, 'sum')]);
  metrics.ended(1);
  answers.delete(1);
  answers.set(3, [counter(2), gauge(1, 'sum')]);
  assert.deepEqual(await valuesOf(metrics), { orders_total: 16, level_sum: 8 });
  metrics.ended(2);
  metrics.ended(3);
  answers.clear();
  assert.deepEqual(await valuesOf(metrics), { orders_total: 16 });
});

test('a hung worker costs at most a second, and its counters are not lost', async () => {
  const answers = new Map([
    [1, [counter(10), gauge(5, 'sum')]],
    [2, [counter(1), gauge(7, 'sum')]],
  ]);
  const silent: number[] = [];
  const metrics = setUp(answers, silent);
  await metrics.collect();
  answers.delete(1);
  silent.push(1);
  const before = performance.now();
  assert.deepEqual(await valuesOf(metrics), { orders_total: 11, level_sum: 7 });
  assert.ok(performance.now() - before < 1_500);
});

test('quantiles of summaries are left out, because they cannot be merged', async () => {
  const summary: AppMetric = {
    name: 'wait',
    help: 'Wait.',
    type: 'summary',
    aggregator: 'sum',
    values: [
      { value: 3, labels: { quantile: 0.5 } },
      { value: 30, labels: {}, metricName: 'wait_sum' },
      { value: 10, labels: {}, metricName: 'wait_count' },
    ],
  };
  const { metrics } = await setUp(
    new Map([
      [1, [summary]],
      [2, [summary]],
    ]),
  ).collect();
  assert.deepEqual(
    metrics[0]?.values.map(({ metricName, value }) => [metricName, value]),
    [
      ['wait_sum', 60],
      ['wait_count', 20],
    ],
  );
});

test('who asks while a question is under way gets the same answer', async () => {
  let questions = 0;
  const metrics: AppMetrics = new AppMetrics({
    ask: (seq) => {
      questions += 1;
      queueMicrotask(() => metrics.reply(1, seq, [counter(1)]));
      return { asked: [1], quiet: [7] };
    },
  });
  const [one, two] = await Promise.all([metrics.collect(), metrics.collect()]);
  assert.equal(questions, 1);
  assert.equal(one, two);
  assert.deepEqual(one.silent, [7]);
});
