import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import type { DataPlaneWorker } from '../../../src/host/connections/data-plane-worker.ts';
import { AcceptorChoice, Acceptors } from '../../../src/host/sockets/acceptors.ts';
import type { ToWorker } from '../../../src/protocol/messages.ts';

class TestWorker implements DataPlaneWorker {
  readonly id: number;
  readonly cell: number;
  slot: number;
  readonly portSlot = null;
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
  readonly account = null;

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

test('who has been silent longest of those that accept is told, where others could help', () => {
  const { workers, acceptors } = group(6);
  for (const [i, worker] of workers.entries()) worker.silent = 900 + 100 * i;
  assert.equal(acceptors.update(workers, 4, 0), 1200, 'the last two are not asked');
  assert.equal(acceptors.update(workers, 6, 0), 0, 'nobody is left to help');
  (workers[3] as TestWorker).able = false;
  assert.equal(acceptors.update(workers, 4, 1000), 1300, 'the next one stands in for one that drains');
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

/** A choice over `count` workers of which two can feed the processors; `look` is what it does at its next sign of life. */
function chosen(count: number): ReturnType<typeof group> & { choice: AcceptorChoice; now(ms: number): void } {
  const made = group(count);
  let nowMs = 0;
  const choice = new AcceptorChoice({ mostAcceptors: 2, lookForSigns: () => undefined, now: () => nowMs }, () => [
    { acceptors: made.acceptors, holders: made.workers },
  ]);
  return {
    ...made,
    choice,
    now(ms) {
      nowMs = ms;
      choice.heard();
    },
  };
}

test('never fewer than four accept; all of them do for a while once one is silent or full', () => {
  const { workers, who, choice, now } = chosen(8);
  now(0);
  assert.equal(who().length, 8);
  now(1000);
  assert.deepEqual(who(), [0, 1, 2, 3]);

  const [first] = workers as [TestWorker];
  first.silent = 1600;
  now(2000);
  assert.equal(who().length, 8, 'one may be blocked');
  first.silent = 0;
  now(3900);
  assert.equal(who().length, 8, 'it was missed a moment ago');
  now(5000);
  assert.deepEqual(who(), [0, 1, 2, 3]);

  choice.full();
  assert.equal(who().length, 8, 'one has no room');
  now(8000);
  assert.deepEqual(who(), [0, 1, 2, 3]);
  choice.close();
});
