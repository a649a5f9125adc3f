import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppMetrics } from '../../../src/metrics/app-metrics.ts';
import { fitMetrics, toWire } from '../../../src/protocol/app-metric.ts';
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

/** As many counters as there are labels, and none of them in two workers. */
function fresh(worker: number, series: number): AppMetric {
  const values = Array.from({ length: series }, (_, index) => ({
    value: 1,
    labels: { session: `${worker}-${index}` },
  }));
  return { name: 'sessions_total', help: 'Sessions.', type: 'counter', aggregator: 'sum', values };
}

test('an application that counts without end is cut off, its smaller metrics are not, and what is left out is counted', async () => {
  const { metrics, leftOut } = await setUp(new Map([[1, [fresh(1, 30_000), counter(5)]]])).collect();
  const bySize = new Map(metrics.map(({ name, values }) => [name, values.length]));
  assert.deepEqual(
    [...bySize],
    [
      ['orders_total', 1],
      ['sessions_total', 9_999],
    ],
  );
  assert.equal(leftOut, 20_001);
});

test('many workers with labels of their own are bounded in all', async () => {
  const answers = new Map(Array.from({ length: 20 }, (_, worker) => [worker, [fresh(worker, 9_000), counter(1)]]));
  const { metrics, leftOut } = await setUp(answers).collect();
  const values = metrics.reduce((all, metric) => all + metric.values.length, 0);
  assert.ok(values <= 30_000, `${values} values`);
  assert.ok(leftOut > 0);
});

test('workers that come and go with fresh labels leave no more than a bound behind; what is known goes on', async () => {
  const answers = new Map<number, AppMetric[]>();
  const metrics = setUp(answers);
  for (let worker = 1; worker <= 10; worker += 1) {
    answers.set(worker, [counter(1), fresh(worker, 3_000)]);
    await metrics.collect();
    metrics.ended(worker);
    answers.delete(worker);
  }
  const page = await metrics.collect();
  const [orders, sessions] = ['orders_total', 'sessions_total'].map((name) =>
    page.metrics.find((one) => one.name === name),
  );
  assert.equal(orders?.values[0]?.value, 10);
  assert.equal(sessions?.values.length, 9_999);
  assert.equal(page.leftOut, 30_000 - 9_999);
});

test('a merge of many values never holds the loop for long', async () => {
  const answers = new Map(Array.from({ length: 8 }, (_, worker) => [worker, [fresh(worker, 9_000)]]));
  const metrics = setUp(answers);
  let longest = 0;
  let last = performance.now();
  const looking = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await metrics.collect();
  clearInterval(looking);
  // The answers come in one go here; in life each is a message of its own.
  assert.ok(longest < 400, `${longest} ms`);
});

test('histograms are left out whole', () => {
  const parts = ['le=1', 'le=+Inf', 'sum', 'count'];
  const values = Array.from({ length: 40 }, (_, index) => {
    const part = parts[index % 4] ?? '';
    const [metricName, le] = part.startsWith('le=') ? ['wait_bucket', part.slice(3)] : [`wait_${part}`, null];
    return { value: 1, metricName, labels: { route: String(Math.floor(index / 4)), ...(le !== null && { le }) } };
  });
  const { metrics, leftOut } = fitMetrics([{ name: 'wait', help: '', type: 'histogram', values }], {
    ...{ values: 10, bytes: 100_000 },
  });
  assert.equal(metrics[0]?.values.length, 8);
  assert.equal(leftOut, 32);
});

test('values that JSON does not know arrive as they are', async () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5];
  const sent = values.map((value, index) => ({ value: toWire(value) as number, labels: { n: String(index) } }));
  for (const aggregator of ['sum', 'min', 'max', 'average', 'first']) {
    const said = JSON.parse(JSON.stringify([{ name: 'odd', help: '', type: 'gauge', aggregator, values: sent }]));
    const { metrics } = await setUp(new Map([[1, said]])).collect();
    assert.deepEqual(
      metrics[0]?.values.map(({ value }) => value),
      values,
      aggregator,
    );
  }
});

test('garbage is left out, and spoils neither the page nor what is carried', async () => {
  const value = { value: 1, labels: {} };
  const garbage: unknown[] = [
    ...[null, 7, 'x', {}, [], { name: 'a' }, { name: 'a b', help: '', type: 'counter', values: [value] }],
    { name: 'b', help: '', type: 'counter', values: 'no' },
    {
      name: 'c',
      help: 7,
      type: 'x"y',
      aggregator: 'sum',
      values: [null, 3, { value: null, labels: {} }, { value: '1', labels: {} }],
    },
    {
      name: 'd',
      help: '',
      type: 'counter',
      values: [
        { value: 1, labels: { 'not a label': 'x' } },
        { value: 1, labels: 'x' },
      ],
    },
    {
      name: 'e',
      help: '',
      type: 'histogram',
      values: [
        { ...value, metricName: 'other_bucket' },
        { ...value, metricName: 7 },
      ],
    },
    {
      name: '__proto__',
      help: '',
      type: 'counter',
      values: [{ value: 1, labels: { __proto__: null, constructor: 'x' } }],
    },
    { name: 'f', help: '', type: 'counter', aggregator: 'constructor', values: [value] },
    counter(3),
  ];
  const metrics = setUp(new Map([[1, garbage as AppMetric[]]]));
  for (let round = 0; round < 2; round += 1) {
    const page = await metrics.collect();
    assert.deepEqual(page.metrics.find(({ name }) => name === 'orders_total')?.values[0]?.value, 3 + 3 * round);
    const names = page.metrics.filter(({ values }) => values.length > 0).map(({ name }) => name);
    assert.deepEqual(names.sort(), ['__proto__', 'orders_total']);
    metrics.ended(1);
  }
});
