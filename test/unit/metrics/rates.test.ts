// A worker that serves steadily is shown as steady, whenever its reports come and whenever somebody looks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import { Rates } from '../../../src/metrics/rates.ts';

const EACH = 49;

/** A worker that answers `EACH` requests a second, and reports when it is told to. */
class Steady {
  readonly rates: Rates;
  readonly id: number;
  #told: number;

  constructor(rates: Rates, id: number, at: number, slot = '0') {
    this.rates = rates;
    this.id = id;
    this.#told = at;
    rates.begin(id, slot, at);
  }

  report(at: number): void {
    const requests = (EACH * (at - this.#told)) / 1000;
    this.#told = at;
    this.rates.report(this.id, { requests, errors: 0, latency: [requests] }, at);
  }
}

const total = (rates: Rates, now: number) => [...rates.look(now).values()].reduce((sum, one) => sum + one.requests, 0);

/** What is shown at each of `looks` while reports come at each of `reports`. */
function shown(looks: readonly number[], reports: readonly number[]): number[] {
  const rates = new Rates();
  const worker = new Steady(rates, 1, 0);
  const left = [...reports];
  const seen: number[] = [];
  for (const now of looks) {
    while ((left[0] ?? Number.POSITIVE_INFINITY) <= now) worker.report(left.shift() ?? 0);
    seen.push(Math.round(total(rates, now)));
  }
  return seen.slice(1);
}

test('steady whether a look finds no report, one or two', () => {
  const looks = [0, 1000, 2001, 3001, 4002, 5002];
  assert.deepEqual(shown(looks, [500, 1500, 2500, 3500, 4500]), [49, 49, 49, 49, 49]);
  assert.deepEqual(shown(looks, [1, 1000, 2002, 3001, 4001, 5002]), [49, 49, 49, 49, 49]);
  assert.deepEqual(shown(looks, [999, 2002, 3000, 3999, 5001]).slice(1), [49, 49, 49, 49]);
  assert.deepEqual(shown([0, 1000, 2900, 3900], [990, 1990, 2990, 3880]), [49, 49, 49], 'looks that come late');
  assert.deepEqual(shown([0, 1000, 1300, 2300], [900, 1250, 2200]), [49, 49, 49], 'and early');
});

test('property: steady for whatever jitter of both clocks', () => {
  const jitter = fc.array(fc.integer({ min: -250, max: 250 }), { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(jitter, jitter, fc.nat(999), (late, told, phase) => {
      const looks = late.map((ms, second) => 1000 * second + ms + 300);
      const reports = told.map((ms, second) => 1000 * second + ms + phase);
      // The first step may not be all of it, and the last looks may wait for reports that are not made any more.
      const steps = shown(
        [0, ...looks],
        reports.filter((at) => at > 0).sort((a, b) => a - b),
      ).slice(3, -2);
      for (const one of steps) assert.ok(Math.abs(one - EACH) <= 1, steps.join(' '));
    }),
  );
});

test('one that falls silent is shown as it was for a moment, then as nothing, and then by all of the time it was silent', () => {
  const looks = [0, 1000, 2000, 3000, 4000, 5000, 22_000];
  assert.deepEqual(shown(looks, [990, 1990, 21_990]), [49, 49, 49, 0, 0, 49]);
});

test('a report of what is known already, or with no time between, invents nothing', () => {
  const rates = new Rates();
  const worker = new Steady(rates, 1, 0);
  rates.look(0);
  worker.report(1000);
  worker.report(1000);
  assert.equal(Math.round(total(rates, 1000)), EACH);
  rates.report(1, { requests: 1, errors: 0, latency: [1] }, 1000);
  rates.report(1, { requests: 0, errors: 0, latency: [] }, 900);
  assert.ok(total(rates, 2000) <= 2, 'one request is no rate of thousands');
  rates.report(1, { requests: 1, errors: 0, latency: [1] }, 2003);
  assert.ok(total(rates, 2004) < 1000);
});

test('after a pause of whoever looks, the rate is that of the whole pause', () => {
  assert.deepEqual(shown([0, 1000, 23_000, 24_000], [1000, 23_000, 24_000]), [49, 49, 49]);
});

test('a worker that takes the place of another is no peak, and what both counted in that step is shown once', () => {
  const rates = new Rates();
  const old = new Steady(rates, 1, 0);
  rates.look(0);
  for (const now of [1000, 2000]) {
    old.report(now);
    assert.equal(Math.round(total(rates, now)), EACH);
  }
  old.report(2400);
  rates.end(1);
  const next = new Steady(rates, 2, 2400);
  next.report(3000);
  assert.equal(Math.round(total(rates, 3000)), EACH);
  next.report(4000);
  assert.equal(Math.round(total(rates, 4000)), EACH);
  assert.equal(total(rates, 9000), 0);
  assert.equal(rates.look(10_000).size, 1, 'who has ended is forgotten');
});

test('a spare counts for its slot from its admission; nobody who looked later sees what was before', () => {
  const rates = new Rates();
  const spare = new Steady(rates, 1, 0, 'spare');
  spare.report(5000);
  rates.end(7);
  assert.equal(total(rates, 6000), 0);
  rates.admit(1, '2');
  spare.report(7000);
  assert.deepEqual([...rates.look(7000).keys()], ['2']);
});
