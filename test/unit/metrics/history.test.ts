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

/** The clock of the machine is a thousand seconds ahead of the other one. */
const at = (monotonicMs: number) => ({ monotonicMs, wallMs: 1e6 + monotonicMs });

function beginning(slot = 0): { counts: Accumulator; history: History; beat: (requests: number, now: number) => void } {
  const counts = new Accumulator();
  counts.action({ type: 'fork', worker: 1, slot, generation: 1, spare: false, gated: false }, 0);
  const beat = (requests: number, now: number) =>
    counts.input({ type: 'worker-heartbeat', worker: 1, beat: beatOf(requests) }, now);
  return { counts, history: new History(counts.rates), beat };
}

test('a point tells the rate and the latencies of its step', () => {
  const { history, beat } = beginning();
  const snapshot = snapshotOf([workerOf(0)]);
  beat(100, 1_000);
  assert.equal(history.record(at(1_000), snapshot).second, null);
  beat(300, 3_000);
  const { second: point } = history.record(at(3_000), snapshot);
  assert.equal(point?.at, 1e6 + 3_000);
  assert.equal(point?.requestsPerSecond, 100);
  assert.equal(point?.errorsPerSecond, 0);
  assert.ok(point?.p50Ms && point.p50Ms > 2 && point.p50Ms <= 5, String(point?.p50Ms));
  assert.equal(point?.memoryBytes, 30e6);
  assert.deepEqual(history.view().slots['0']?.requestsPerSecond, [100]);
});

test('latencies are null, not 0, while nobody asks', () => {
  const { history } = beginning();
  const snapshot = snapshotOf([workerOf(0)]);
  history.record(at(0), snapshot);
  assert.equal(history.record(at(1_000), snapshot).second?.p99Ms, null);
});

test('a counter that begins at 0 again, and a report that knows less, are no dip and no peak', () => {
  const { counts, history, beat } = beginning();
  const snapshot = snapshotOf([workerOf(0)]);
  const look = (second: number) =>
    Math.round(history.record(at(1_000 * second), snapshot).second?.requestsPerSecond ?? -1);
  look(0);
  beat(50, 1_000);
  assert.equal(look(1), 50);
  beat(100, 2_000);
  beat(20, 2_000);
  assert.equal(look(2), 50);
  counts.input({ type: 'worker-exit', worker: 1, code: 1, signal: null, lastWords: { stderr: [] } }, 2_000);
  counts.action({ type: 'fork', worker: 2, slot: 0, generation: 1, spare: false, gated: false }, 2_000);
  counts.input({ type: 'worker-heartbeat', worker: 2, beat: beatOf(50) }, 3_000);
  assert.equal(look(3), 50);
});

test('the hour has the mean of its ten seconds, not the last one', () => {
  const { history, beat } = beginning();
  history.record(at(0), snapshotOf([workerOf(0)]));
  for (let second = 1; second <= 10; second += 1) {
    beat(second <= 5 ? 200 * second : 1000, 1_000 * second);
    const recorded = history.record(
      at(1_000 * second),
      snapshotOf([workerOf(0, { cpuPercent: second <= 5 ? 80 : 0 })]),
    );
    assert.equal(recorded.hour === null, second < 10);
  }
  const [point] = history.view().hour.points;
  assert.equal(Math.round(point?.requestsPerSecond ?? 0), 100);
  assert.equal(point?.cpuPercent, 40);
});

test('a clock that is set neither stops the history nor bends a rate', () => {
  const { history, beat } = beginning();
  const snapshot = snapshotOf([workerOf(0)]);
  const rates: (number | undefined)[] = [];
  const wall = [5e6, 5e6 + 1_000, 1e6, 1e6 + 1_000, 9e6];
  for (const [second, wallMs] of wall.entries()) {
    beat(50 * second, 1_000 * second);
    rates.push(history.record({ wallMs, monotonicMs: 1_000 * second }, snapshot).second?.requestsPerSecond);
  }
  assert.deepEqual(rates, [undefined, 50, 50, 50, 50]);
  const times = history.view().seconds.points.map((point) => point.at);
  assert.deepEqual(times, [1e6, 1e6 + 1_000, 9e6], 'no point lies in the future');
});

test('the rings are bounded, and a slot that is gone leaves no line', () => {
  const { history } = beginning();
  const both = snapshotOf([workerOf(0), workerOf(1)]);
  for (let second = 0; second < longLength * 10 + 100; second += 1) history.record(at(second * 1_000), both);
  const view = history.view();
  assert.equal(view.seconds.points.length, shortLength);
  assert.equal(view.hour.points.length, longLength);
  assert.equal(view.slots['1']?.cpuPercent.length, slotLength);
  history.record(at(1e9), snapshotOf([workerOf(0)]));
  assert.deepEqual(Object.keys(history.view().slots), ['0']);
});
