// Promise: a crash loop is slowed down, a poison request is not, starts are rationed, and the circuit opens and closes by its own numbers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { earlyDelayMs, isProven, rationed, shakyDelayMs } from '../../../src/supervisor/decide/backoff.ts';
import {
  circuitWindowMs,
  closeCircuit,
  countEarlyDeath,
  newCircuit,
  nextProbeAt,
} from '../../../src/supervisor/decide/circuit.ts';
import { shortageOf } from '../../../src/supervisor/decide/headroom.ts';
import { hasOverslept, hungKillsAllowed } from '../../../src/supervisor/decide/health.ts';

const MIB = 2 ** 20;

test('the delay of a crash loop doubles from half a second to half a minute', () => {
  const most = Array.from({ length: 9 }, (_, at) => earlyDelayMs(at + 1, 1));
  assert.deepEqual(most, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.equal(earlyDelayMs(10_000, 1), 30_000, 'and stays a number');
});

test('it is jittered between half and all of it, so that slots do not start in step', () => {
  for (const deaths of [1, 4, 100]) {
    const most = earlyDelayMs(deaths, 1);
    assert.equal(earlyDelayMs(deaths, 0), most / 2);
    for (const random of [0.1, 0.5, 0.9]) {
      const delay = earlyDelayMs(deaths, random);
      assert.ok(delay > most / 2 && delay < most, `${deaths} ${random}`);
    }
  }
});

test('one poison request a second does not stop a service: the delay of proven code stays short', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((deaths) => shakyDelayMs(deaths, 2, 1)),
    [100, 200, 400, 800, 1000],
  );
  // All together start at most about two a second, whatever their number.
  for (const workers of [1, 4, 16, 60]) {
    const each = shakyDelayMs(1000, workers, 1);
    assert.ok((workers / each) * 1000 <= 2.001, `${workers}`);
  }
  assert.equal(shakyDelayMs(1000, 1000, 1), 30_000, 'no slot waits for longer than in a crash loop');
  assert.equal(shakyDelayMs(3, 0, 1), 400, 'also where none is left');
});

test('a worker has proven itself after ten seconds of service, and not before it was ready', () => {
  for (const [readyForMs, expected] of [
    [null, false],
    [0, false],
    [9_999, false],
    [10_000, true],
    [Number.POSITIVE_INFINITY, true],
  ] as const) {
    assert.equal(isProven(readyForMs), expected, `${readyForMs}`);
  }
});

test('ten starts are free, then there is one a second; a quiet time gives them back', () => {
  let paidUntil = 0;
  const at = (now: number): number => {
    const paid = rationed(paidUntil, now);
    paidUntil = paid.paidUntil;
    return paid.delayMs;
  };
  assert.deepEqual(
    Array.from({ length: 13 }, () => at(100_000)),
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1000, 2000, 3000],
  );
  assert.deepEqual(
    Array.from({ length: 11 }, () => at(200_000)).slice(-2),
    [0, 1000],
    'a pause of any length is worth ten, and not more',
  );
});

test('the circuit opens once, when more die than there is reason for', () => {
  for (const [workers, most] of [
    [1, 5],
    [2, 6],
    [8, 24],
  ] as const) {
    const circuit = newCircuit();
    const opened = Array.from({ length: most + 3 }, (_, at) => countEarlyDeath(circuit, workers, at));
    assert.equal(opened.indexOf(true), most, `${workers} workers`);
    assert.equal(opened.filter(Boolean).length, 1);
    assert.equal(circuit.openedAt, most);
  }
});

test('deaths of more than a minute ago are forgotten', () => {
  const circuit = newCircuit();
  for (let at = 0; at < 5; at++) countEarlyDeath(circuit, 1, at);
  assert.equal(countEarlyDeath(circuit, 1, circuitWindowMs + 4), false);
  assert.equal(circuit.deaths.length, 1);
  for (let at = 1; at < 100; at++) {
    assert.equal(countEarlyDeath(circuit, 1, at * circuitWindowMs), false, 'one a minute never opens it');
  }
});

test('one worker is tried at a time: soon where none serves, later where some do', () => {
  const circuit = newCircuit();
  for (let at = 0; at <= 5; at++) countEarlyDeath(circuit, 1, 1000);
  assert.equal(nextProbeAt(circuit, false), 6000);
  assert.equal(nextProbeAt(circuit, true), 31_000);
  countEarlyDeath(circuit, 1, 7000);
  assert.equal(nextProbeAt(circuit, false), 12_000, 'a try that failed counts');
});

test('a circuit that was closed begins anew', () => {
  const circuit = newCircuit();
  for (let at = 0; at <= 5; at++) countEarlyDeath(circuit, 1, at);
  assert.notEqual(circuit.openedAt, null);
  closeCircuit(circuit);
  assert.equal(circuit.openedAt, null);
  const opened = Array.from({ length: 6 }, (_, at) => countEarlyDeath(circuit, 1, 100 + at));
  assert.deepEqual(opened, [false, false, false, false, false, true]);
});

test('there is room for one more worker beside those that are just starting, or it is said why not', () => {
  for (const [freeMib, eachMib, starting, isShort] of [
    [100, 50, 0, false],
    [100, 50, 1, false],
    [100, 50, 2, true],
    [49, 50, 0, true],
    [0, 0, 5, false],
  ] as const) {
    const shortage = shortageOf({ freeBytes: freeMib * MIB, workerBytes: eachMib * MIB }, starting);
    assert.equal(shortage !== null, isShort, `${freeMib} ${eachMib} ${starting}`);
    if (shortage !== null) assert.ok(shortage.includes(`${freeMib} MB left`) && shortage.includes(`${eachMib} MB`));
  }
  assert.equal(shortageOf(null, 1000), null, 'without a limit there is room');
});

test('of many silent workers a tenth may be killed, and of few one', () => {
  for (const [workers, allowed] of [
    [0, 1],
    [1, 1],
    [19, 1],
    [20, 2],
    [64, 6],
  ] as const) {
    assert.equal(hungKillsAllowed(workers), allowed);
  }
});

test('a tick that is late by more than a second was slept through', () => {
  assert.equal(hasOverslept(null, 1e9), false, 'nothing was due');
  assert.equal(hasOverslept(5000, 6000), false);
  assert.equal(hasOverslept(5000, 6001), true);
});
