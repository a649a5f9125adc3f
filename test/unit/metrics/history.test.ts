import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Accumulator } from '../../../src/metrics/accumulator.ts';
import { quantile } from '../../../src/metrics/counters.ts';
import { History, longLength, shortLength, slotLength } from '../../../src/metrics/history.ts';
import { beatOf, snapshotOf, workerOf } from './fixtures.ts';

test('quantile() interpolates inside a bucket and stops at the last bound', () => {
  assert.equal(quantile([1, 2], [0, 0, 0], 0.5), null);
  assert.equal(quantile([1, 2], [10, 0, 0], 0.5), 0.5);
  assert.equal(quantile([1, 2], [10, 10, 0], 0.75), 1.5);
  assert.equal(quantile([1, 2], [0, 0, 5], 0.99), 2);
});

test('a point tells the rate and the latencies of its step', () => {
  const counts = new Accumulator();
  const history = new History(counts);
  const snapshot = snapshotOf([workerOf(0)]);
  counts.action({ type: 'fork', worker: 1, slot: 0, generation: 1, spare: false, gated: false });
  counts.input({ type: 'worker-heartbeat', worker: 1, beat: beatOf(100) });
  assert.equal(history.record(1_000, snapshot).second, null);
  counts.input({ type: 'worker-heartbeat', worker: 1, beat: beatOf(300) });
  const { second: point } = history.record(3_000, snapshot);
  assert.equal(point?.requestsPerSecond, 100);
  assert.equal(point?.errorsPerSecond, 0);
  assert.ok(point?.p50Ms && point.p50Ms > 2 && point.p50Ms <= 5, String(point?.p50Ms));
  assert.equal(point?.memoryBytes, 30e6);
  assert.deepEqual(history.view().slots['0']?.requestsPerSecond, [100]);
});

test('latencies are null, not 0, while nobody asks', () => {
  const history = new History(new Accumulator());
  const snapshot = snapshotOf([workerOf(0)]);
  history.record(0, snapshot);
  assert.equal(history.record(1_000, snapshot).second?.p99Ms, null);
});

test('the rings are bounded, and a slot that is gone leaves no line', () => {
  const history = new History(new Accumulator());
  const both = snapshotOf([workerOf(0), workerOf(1)]);
  for (let second = 0; second < longLength * 10 + 100; second += 1) history.record(second * 1_000, both);
  const view = history.view();
  assert.equal(view.seconds.points.length, shortLength);
  assert.equal(view.hour.points.length, longLength);
  assert.equal(view.slots['1']?.cpuPercent.length, slotLength);
  history.record(1e9, snapshotOf([workerOf(0)]));
  assert.deepEqual(Object.keys(history.view().slots), ['0']);
});
