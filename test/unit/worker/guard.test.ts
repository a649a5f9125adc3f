// The guard of the preload: what fails behind it is counted and told once, and what is the application's stays the application's.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import {
  attempt,
  failed,
  failures,
  guarded,
  lastOf,
  later,
  on,
  soon,
  tellFailures,
} from '../../../src/worker/guard.ts';
import { eventually } from '../../support/eventually.ts';

const told: string[] = [];
failed('something early', new Error('before anybody listened'));
tellFailures((what, error) => void told.push(`${what}: ${error}`));

function fail(): never {
  throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
}

test('what failed before somebody listened is told too', () => {
  assert.match(told[0] ?? '', /^something early: before anybody listened \(at /);
});

test('a failure is passed over, counted each time, and told once', () => {
  const before = failures();
  const job = guarded('a job', fail);
  for (let time = 0; time < 3; time += 1) job();
  assert.equal(failures(), before + 3);
  assert.equal(told.filter((each) => each.startsWith('a job: EMFILE')).length, 1);
});

test('what is thrown is told whatever it is', () => {
  for (const thrown of [undefined, null, 'text', Symbol('s'), { toString: fail }, Object.create(null)]) {
    const before = failures();
    const job = guarded(`throwing ${typeof thrown} ${failures()}`, () => {
      throw thrown;
    });
    job();
    assert.equal(failures(), before + 1);
  }
});

test("what a job hands over is the application's: its errors pass, and are not counted", () => {
  const before = failures();
  const job = guarded('a job', () => () => {
    throw new RangeError('of the application');
  });
  assert.throws(job, /of the application/);
  assert.equal(failures(), before);
});

test('a listener keeps its this and its arguments; a timer and a turn of the loop are guarded', async () => {
  const emitter = new EventEmitter();
  const seen: unknown[] = [];
  const listener = guarded('listening', function (this: EventEmitter, ...args: number[]) {
    seen.push(this === emitter, ...args);
    fail();
  });
  on(emitter, 'event', listener);
  emitter.emit('event', 1, 2, 3, 4);
  assert.deepEqual(seen, [true, 1, 2, 3, 4]);
  const before = failures();
  soon(guarded('a turn', fail));
  later(1, guarded('a timer', fail));
  await eventually('both have failed', () => failures() >= before + 2);
  assert.equal(failures(), before + 2);
});

test('a reading that fails answers with its last value', () => {
  let next: (() => number) | null = () => 1;
  const read = lastOf('a reading', () => (next ?? fail)(), 0);
  next = null;
  assert.equal(read(), 0);
  next = () => 2;
  assert.equal(read(), 2);
  next = null;
  assert.equal(read(), 2);
  assert.equal(attempt('an attempt', fail, 'otherwise'), 'otherwise');
});
