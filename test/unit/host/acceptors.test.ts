import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AcceptorCount, Acceptors, LEAST_ACCEPTORS } from '../../../src/host/acceptors.ts';
import type { DataPlaneWorker } from '../../../src/host/data-plane-worker.ts';
import type { ToWorker } from '../../../src/protocol/messages.ts';

class TestWorker implements DataPlaneWorker {
  readonly id: number;
  readonly cell: number;
  slot: number;
  mayRest = true;
  able = true;
  fresh = true;
  silent = 0;
  accepts = true;
  told = 0;

  constructor(id: number) {
    this.id = id;
    this.cell = id;
    this.slot = id;
  }

  isAdmitted(): boolean {
    return this.able;
  }

  readonly generation = 1;

  isLeaving(): boolean {
    return false;
  }

  isDraining(): boolean {
    return !this.able;
  }

  isFresh(): boolean {
    return this.fresh;
  }

  silentMs(): number {
    return this.silent;
  }

  send({ cmd }: ToWorker): void {
    this.accepts = cmd === 'NODE_TUTTI_ACCEPT';
    this.told += 1;
  }
}

function group(count: number): { workers: TestWorker[]; acceptors: Acceptors; who(): number[] } {
  const workers = Array.from({ length: count }, (_, id) => new TestWorker(id));
  const who = () => workers.filter(({ accepts }) => accepts).map(({ id }) => id);
  return { workers, acceptors: new Acceptors('k', {} as never), who };
}

test('those in the first slots accept, the others rest once these have accepted for a second', () => {
  const { workers, acceptors, who } = group(6);
  acceptors.update(workers, 4, 0);
  assert.equal(who().length, 6);
  acceptors.update(workers, 4, 1000);
  assert.deepEqual(who(), [0, 1, 2, 3]);
  acceptors.update(workers, 4, 5000);
  assert.deepEqual(
    workers.map(({ told }) => told),
    [0, 0, 0, 0, 1, 1],
  );
});

test('a worker whose balance knows no transfers never rests', () => {
  const { workers, acceptors, who } = group(6);
  for (const worker of workers.slice(4)) worker.mayRest = false;
  acceptors.update(workers, 2, 0);
  acceptors.update(workers, 2, 1000);
  assert.deepEqual(who(), [0, 1, 4, 5]);
});

test('how long those that accept have been silent is told by the last that spoke', () => {
  const { workers, acceptors } = group(6);
  assert.equal(acceptors.silentMs(), Number.POSITIVE_INFINITY);
  for (const [i, worker] of workers.entries()) worker.silent = 900 - 100 * i;
  acceptors.update(workers, 4, 0);
  acceptors.update(workers, 4, 1000);
  assert.equal(acceptors.silentMs(), 600, 'the last two rest');
  (workers[3] as TestWorker).able = false;
  assert.equal(acceptors.silentMs(), 700, 'one that drains accepts nothing');
});

test('a worker that drains, dies or is silent is stood in for at once', () => {
  const { workers, acceptors, who } = group(8);
  acceptors.update(workers, 4, 0);
  acceptors.update(workers, 4, 1000);
  const [first, second, third] = workers as [TestWorker, TestWorker, TestWorker];
  first.able = false;
  second.fresh = false;
  acceptors.forget(third);
  acceptors.update(
    workers.filter((worker) => worker !== third),
    4,
    1001,
  );
  assert.deepEqual(who(), [0, 1, 2, 3, 4, 5, 6]);
  // It was heard of again: whoever stood in for it goes on until it has proved itself.
  second.fresh = true;
  acceptors.update(workers, 4, 2000);
  assert.deepEqual(who(), [0, 1, 2, 3, 4, 5, 6]);
  acceptors.update(workers, 4, 3000);
  assert.deepEqual(who().slice(0, 5), [0, 1, 2, 3, 4]);
});

test('of two workers in one slot the new one accepts', () => {
  const { workers, acceptors, who } = group(6);
  for (const [i, worker] of workers.entries()) worker.slot = i % 3;
  acceptors.update(workers, 4, 0);
  acceptors.update(workers, 4, 1000);
  assert.deepEqual(who(), [0, 1, 3, 4]);
});

test('whatever happens, at least four accept that can, or all of them if there are fewer', () => {
  const step = fc.record({ worker: fc.nat({ max: 11 }), what: fc.constantFrom('able', 'fresh', 'slot', 'gone') });
  fc.assert(
    fc.property(
      fc.array(step),
      fc.array(fc.nat({ max: 3000 })),
      fc.integer({ min: 4, max: 12 }),
      (steps, times, count) => {
        const { workers, acceptors } = group(12);
        const gone = new Set<TestWorker>();
        let now = 0;
        for (const [i, { worker: index, what }] of steps.entries()) {
          const worker = workers[index] as TestWorker;
          if (what === 'able') worker.able = !worker.able;
          if (what === 'fresh') worker.fresh = !worker.fresh;
          if (what === 'slot') worker.slot = (worker.slot + 5) % 12;
          if (what === 'gone') {
            gone.add(worker);
            acceptors.forget(worker);
          }
          now += times[i % Math.max(1, times.length)] ?? 500;
          const holders = workers.filter((one) => !gone.has(one));
          acceptors.update(holders, count, now);
          const can = holders.filter((one) => one.able && one.fresh);
          const accepting = can.filter(({ accepts }) => accepts).length;
          assert.ok(accepting >= Math.min(count, can.length), `${accepting} of ${can.length} accept`);
        }
      },
    ),
  );
});

test('all accept at first, then half as many, down to the least', () => {
  const acceptors = new AcceptorCount(0, 64);
  assert.equal(acceptors.count, Number.POSITIVE_INFINITY);
  const seen = [];
  for (let now = 1000; now <= 9000; now += 1000) {
    acceptors.settle(32, now);
    seen.push(acceptors.count);
  }
  assert.deepEqual(seen, [Number.POSITIVE_INFINITY, 16, 16, 8, 8, 4, 4, 4, 4]);
});

test('where there are no more workers than the least, all of them accept', () => {
  const acceptors = new AcceptorCount(0, 64);
  acceptors.settle(LEAST_ACCEPTORS, 100_000);
  assert.equal(acceptors.count, Number.POSITIVE_INFINITY);
});

test('a busy worker doubles the number at once; a step down that was wrong is not soon tried again', () => {
  const acceptors = new AcceptorCount(0, 64);
  acceptors.settle(16, 2000);
  acceptors.settle(16, 4000);
  assert.equal(acceptors.count, 4);
  acceptors.busy(4100);
  // The same moment seen by another worker.
  acceptors.busy(4101);
  assert.equal(acceptors.count, 8);
  acceptors.busy(4150);
  assert.equal(acceptors.count, 16);
  acceptors.settle(16, 7000);
  assert.equal(acceptors.count, 16);
  acceptors.settle(16, 8150);
  assert.equal(acceptors.count, 8);
});

test('as long as somebody is busy the number stays', () => {
  const acceptors = new AcceptorCount(0, 64);
  for (let now = 1000; now < 60_000; now += 1000) {
    acceptors.busy(now);
    acceptors.settle(8, now);
  }
  assert.equal(acceptors.count, Number.POSITIVE_INFINITY);
});

test('when those that accept are stuck, all others help at once', () => {
  const acceptors = new AcceptorCount(0, 64);
  acceptors.settle(32, 2000);
  acceptors.stuck(2001);
  assert.equal(acceptors.count, Number.POSITIVE_INFINITY);
});

test('more than the processors can feed accept only when those are blocked', () => {
  const acceptors = new AcceptorCount(0, 6);
  for (let now = 0; now <= 8000; now += 100) {
    acceptors.busy(now);
    acceptors.settle(32, now);
  }
  assert.equal(acceptors.count, 6);
  acceptors.stuck(8100);
  acceptors.settle(32, 8100);
  assert.equal(acceptors.count, Number.POSITIVE_INFINITY);
});
