// Whatever an application counts and however it says it, the page of metrics is there, and what is right on it stays right.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import { AppMetrics } from '../../../src/metrics/app-metrics.ts';
import type { AppMetric } from '../../../src/protocol/messages.ts';

const good: AppMetric = {
  name: 'orders_total',
  help: 'Orders.',
  type: 'counter',
  aggregator: 'sum',
  values: [{ value: 2, labels: { kind: 'web' } }],
};

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.record(
    {
      name: fc.oneof(fc.constantFrom('odd', 'odd_total', 'with blank', ''), fc.jsonValue({ maxDepth: 1 })),
      help: fc.oneof(fc.constant('Odd.'), fc.jsonValue({ maxDepth: 1 })),
      type: fc.oneof(
        fc.constantFrom('counter', 'gauge', 'histogram', 'summary', 'other'),
        fc.jsonValue({ maxDepth: 1 }),
      ),
      aggregator: fc.oneof(fc.constantFrom('sum', 'first', 'average', 'omit', 'other'), fc.jsonValue({ maxDepth: 1 })),
      values: fc.oneof(
        fc.jsonValue({ maxDepth: 2 }),
        fc.array(
          fc.record(
            {
              value: fc.oneof(fc.double(), fc.jsonValue({ maxDepth: 1 })),
              labels: fc.oneof(
                fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 })),
                fc.jsonValue({ maxDepth: 1 }),
              ),
              metricName: fc.oneof(fc.constantFrom('odd_sum', 'orders_total'), fc.jsonValue({ maxDepth: 1 })),
            },
            { requiredKeys: [] },
          ),
        ),
      ),
    },
    { requiredKeys: [] },
  ),
);

test('strange metrics of one worker spoil neither the page nor what is right on it, while it lives and after', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(odd, { maxLength: 5 }), async (strange) => {
      const answers = new Map<number, unknown[]>([
        [1, [...strange, good]],
        [2, [good]],
      ]);
      const metrics = new AppMetrics({
        ask: (seq) => {
          queueMicrotask(() => {
            for (const [worker, answer] of answers) metrics.reply(worker, seq, answer as AppMetric[]);
          });
          return { asked: [...answers.keys()], quiet: [] };
        },
      });
      const orders = async () =>
        (await metrics.collect()).metrics.find(({ name }) => name === 'orders_total')?.values[0]?.value;
      assert.equal(await orders(), 4);
      answers.delete(1);
      metrics.ended(1);
      assert.equal(await orders(), 4);
    }),
    { numRuns: 300 },
  );
});
