import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import { Accumulator } from '../../../src/metrics/accumulator.ts';
import type { Counter } from '../../../src/metrics/counters.ts';
import { beatOf } from './fixtures.ts';

function countOf(counter: Counter, labels: Record<string, string>): number | undefined {
  const wanted = JSON.stringify(labels);
  return [...counter.series()].find((one) => JSON.stringify(one.labels) === wanted)?.value;
}

function fork(counts: Accumulator, worker: number, slot: number | null): void {
  counts.action({ type: 'fork', worker, slot, generation: 1, spare: slot === null, gated: false }, 0);
}

function beat(counts: Accumulator, worker: number, requests: number): void {
  counts.input({ type: 'worker-heartbeat', worker, beat: beatOf(requests) }, 0);
}

function exit(counts: Accumulator, worker: number): void {
  counts.input({ type: 'worker-exit', worker, code: 1, signal: null, lastWords: { stderr: [] } }, 0);
}

test('a slot keeps its counts when its worker dies and another begins at 0', () => {
  const counts = new Accumulator();
  fork(counts, 1, 0);
  beat(counts, 1, 100);
  beat(counts, 1, 150);
  exit(counts, 1);
  fork(counts, 2, 0);
  beat(counts, 2, 5);
  assert.equal(countOf(counts.requests, { slot: '0', status: '2xx' }), 155);
  assert.equal(counts.latencies.get('0')?.count, 155);
  assert.equal(counts.latencies.get('0')?.sum.toFixed(6), '0.465000');
});

test('old and new worker of one slot count into the same series while both live', () => {
  const counts = new Accumulator();
  fork(counts, 1, 0);
  beat(counts, 1, 100);
  fork(counts, 2, 0);
  beat(counts, 2, 7);
  beat(counts, 1, 110);
  assert.equal(countOf(counts.requests, { slot: '0', status: '2xx' }), 117);
  assert.equal(counts.beats(0).length, 2);
  exit(counts, 1);
  assert.equal(counts.beats(0).length, 1);
});

test('a heartbeat that is delivered after the exit still counts', () => {
  const counts = new Accumulator();
  fork(counts, 1, 0);
  beat(counts, 1, 100);
  exit(counts, 1);
  beat(counts, 1, 104);
  assert.equal(countOf(counts.requests, { slot: '0', status: '2xx' }), 104);
});

test('a spare counts for itself until it is admitted to a slot', () => {
  const counts = new Accumulator();
  fork(counts, 1, null);
  beat(counts, 1, 3);
  counts.action({ type: 'admit', worker: 1, slot: 2 }, 0);
  beat(counts, 1, 10);
  assert.equal(countOf(counts.requests, { slot: 'spare', status: '2xx' }), 3);
  assert.equal(countOf(counts.requests, { slot: '2', status: '2xx' }), 7);
});

test('restarts carry the reason of the exit before them', () => {
  const counts = new Accumulator();
  const ref = { slot: 1, pid: 77, generation: 1 };
  counts.action(
    {
      type: 'report',
      event: {
        type: 'worker-exit',
        code: null,
        signal: 'SIGKILL',
        reason: 'hung',
        detail: '',
        lastLines: [],
        uptimeMs: 1,
        ...ref,
      },
    },
    0,
  );
  counts.event({ type: 'worker-restart', slot: 1, delayMs: 0, earlyDeaths: 0, mixed: false });
  assert.equal(countOf(counts.restarts, { slot: '1', reason: 'hung' }), 1);
});

test('a reload counts once by its result, a rollback as a rollback', () => {
  const counts = new Accumulator();
  counts.event({ type: 'reload-started', generation: 2, from: 1, kind: 'reload' });
  counts.event({ type: 'reload-done', generation: 2, ms: 1500 });
  counts.event({ type: 'reload-started', generation: 3, from: 2, kind: 'rollback' });
  counts.event({
    type: 'reload-failed',
    generation: 3,
    reason: '',
    lastLines: [],
    rolledBack: true,
    degraded: false,
    superseded: false,
  });
  assert.equal(countOf(counts.reloads, { kind: 'reload', result: 'done' }), 1);
  assert.equal(countOf(counts.reloads, { kind: 'rollback', result: 'failed' }), 1);
  assert.equal(countOf(counts.reloads, { kind: 'reload', result: 'failed' }), 0);
  assert.equal(counts.reloadSeconds.count, 1);
});

test('property: no series ever goes back, and the total is what all workers counted', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('beat' as const), slot: fc.nat(3), grow: fc.nat(50) }),
    fc.record({ do: fc.constant('replace' as const), slot: fc.nat(3), grow: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const counts = new Accumulator();
      const living = new Map<number, { id: number; requests: number }>();
      let next = 1;
      let sent = 0;
      let last = new Map<string, number>();
      for (const one of steps) {
        const worker = living.get(one.slot);
        if (!worker || one.do === 'replace') {
          if (worker) exit(counts, worker.id);
          living.set(one.slot, { id: next, requests: 0 });
          fork(counts, next, one.slot);
          next += 1;
        } else {
          worker.requests += one.grow;
          sent += one.grow;
          beat(counts, worker.id, worker.requests);
        }
        const now = new Map([...counts.requests.series()].map((s) => [JSON.stringify(s.labels), s.value]));
        for (const [key, value] of last) assert.ok((now.get(key) ?? -1) >= value, key);
        last = now;
      }
      assert.equal(counts.requests.total(), sent);
    }),
  );
});

test('what a worker had counted at its end is added to its last heartbeat, and nothing is counted twice', () => {
  const counts = new Accumulator();
  const ended = (worker: number, requests: number) => {
    const { extra } = beatOf(requests);
    assert.ok(extra);
    counts.input({ type: 'worker-counted', worker, counts: extra }, 0);
  };
  fork(counts, 1, 0);
  beat(counts, 1, 100);
  ended(1, 130);
  exit(counts, 1);
  beat(counts, 1, 120);
  fork(counts, 2, 0);
  ended(2, 7);
  exit(counts, 2);
  assert.equal(countOf(counts.requests, { slot: '0', status: '2xx' }), 137);
  assert.equal(counts.latencies.get('0')?.count, 137);
});
