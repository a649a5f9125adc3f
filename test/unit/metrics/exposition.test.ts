import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { negotiateFormat } from '../../../src/metrics/exposition.ts';
import { families } from '../../../src/metrics/families.ts';
import { Metrics } from '../../../src/metrics/metrics.ts';
import { beatOf, snapshotOf, workerOf } from './fixtures.ts';

function metricsOf(): Metrics {
  const metrics = new Metrics({
    now: () => 0,
    requestCounts: () => [],
    snapshot: () => snapshotOf([workerOf(0), workerOf(1, { state: 'starting', pid: 7 }), workerOf(1)]),
    ownUsage: () => ({ cpuUserSeconds: 1.5, cpuSystemSeconds: 0.5, residentBytes: 60e6 }),
    appMetrics: async () => ({
      metrics: [
        { name: 'orders_total', help: 'Orders.', type: 'counter', values: [{ value: 12, labels: { kind: 'a"b' } }] },
      ],
      silent: [2],
      leftOut: 7,
    }),
  });
  for (const slot of [0, 1]) {
    metrics.action({ type: 'fork', worker: slot + 1, slot, generation: 1, spare: false, gated: false });
    metrics.input({ type: 'worker-online', worker: slot + 1, pid: 1000 + slot });
    metrics.input({ type: 'worker-heartbeat', worker: slot + 1, beat: beatOf(10 * (slot + 1)) });
  }
  metrics.action({
    type: 'report',
    event: { type: 'worker-ready', bootMs: 150, slot: 0, pid: 1, generation: 1 },
  });
  return metrics;
}

test('the Prometheus text has every family, with slots as labels', async () => {
  const { text, contentType } = await metricsOf().scrape('prometheus');
  assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  for (const [name, family] of Object.entries(families)) {
    assert.ok(text.includes(`# TYPE ${name} ${family.type}\n`) || text.includes(`# TYPE ${name} ${family.type}`), name);
  }
  assert.match(text, /^tutti_http_requests_total\{slot="1",status="2xx"\} 20$/m);
  assert.match(text, /^tutti_worker_up\{slot="0"\} 1$/m);
  assert.match(text, /^tutti_worker_up\{slot="1"\} 0$/m, 'one of the two starts, the other gave no answer');
  assert.match(text, /^tutti_http_request_duration_seconds_bucket\{slot="0",le="0\.005"\} 10$/m);
  assert.match(text, /^tutti_http_request_duration_seconds_count\{slot="0"\} 10$/m);
  assert.match(text, /^tutti_worker_heap_total_bytes\{slot="0"\} 20000000$/m);
  assert.match(text, /^orders_total\{kind="a\\"b"\} 12$/m);
  assert.doesNotMatch(text, /pid=/);
});

test('OpenMetrics text names counters once and ends with EOF', async () => {
  const { text, contentType } = await metricsOf().scrape('openmetrics');
  assert.match(contentType, /^application\/openmetrics-text; version=1\.0\.0/);
  assert.match(text, /^# TYPE tutti_http_requests counter$/m);
  assert.match(text, /^tutti_http_requests_total\{slot="1",status="2xx"\} 20$/m);
  assert.doesNotMatch(text, /_total_total/);
  assert.ok(text.endsWith('# EOF\n'));
});

test('the format follows the Accept header', () => {
  assert.equal(negotiateFormat(undefined), 'prometheus');
  assert.equal(negotiateFormat('text/plain;q=0.5'), 'prometheus');
  assert.equal(negotiateFormat('application/openmetrics-text;version=1.0.0,text/plain;q=0.5'), 'openmetrics');
});

test('promtool finds nothing to complain about in the page', async (t) => {
  if (spawnSync('promtool', ['--version']).error) return t.skip('promtool is not installed');
  const { text } = await metricsOf().scrape('prometheus');
  const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});
