// What a terminal shows of the workers while a command works.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { createColors } from 'picocolors';
import { paintState, workerLines } from '../../../src/cli/shared/progress.ts';
import { slotStates, workerStates } from '../../../src/protocol/workers.ts';
import type { Snapshot, WorkerSnapshot } from '../../../src/supervisor/picture/snapshot.ts';

const plain = createColors(false);
const worker = { slot: 0, pid: 4711, generation: 2, state: 'ready', uptimeMs: 61_000 } as WorkerSnapshot;
const snapshot = (workers: Partial<WorkerSnapshot>[], reload: object = { state: 'idle' }): Snapshot =>
  ({
    name: 'web',
    state: 'running',
    reload,
    workers: workers.map((one) => ({ ...worker, rssBytes: 0, ...one })),
  }) as never;

test('every state of a worker or slot has a mark of its own word, and a colour', () => {
  for (const state of [...workerStates, ...slotStates]) {
    const painted = paintState({ ...worker, state }, createColors(true));
    assert.match(stripVTControlCharacters(painted), new RegExp(`^[●○◐◑✖] ${state}$`));
    assert.notEqual(painted, stripVTControlCharacters(painted), state);
  }
});

test('a line for each worker, the app with its state above, and how far a reload has got', () => {
  const [head, first, second] = workerLines(snapshot([{}, { slot: null, state: 'spare' }]), plain);
  assert.equal(head, 'web running');
  assert.match(first ?? '', /^ {2}0 +● ready +4711 +generation 2 +1m/);
  assert.match(second ?? '', /^ {2}spare +○ spare +4711/);
  const [reloading] = workerLines(snapshot([], { state: 'rolling', done: 1, total: 4 }), plain);
  assert.equal(reloading, 'web rolling, 1 of 4');
});

test('a slot without a process shows no pid, age or memory, but why it waits', () => {
  const reason = 'it exits at once';
  const [, line = ''] = workerLines(snapshot([{ pid: null, state: 'backoff', reason, rssBytes: 0 }]), plain);
  assert.match(line, /^ {2}0 +○ backoff +generation 2 +it exits at once$/);
});

test('the memory is what a worker costs where that is known, and else what it holds', () => {
  const mb = 2 ** 20;
  const [, known = '', unknown = ''] = workerLines(
    snapshot([
      { rssBytes: 80 * mb, pssBytes: 30 * mb },
      { rssBytes: 80 * mb, pssBytes: null },
    ]),
    plain,
  );
  assert.match(known, / 30M$/);
  assert.match(unknown, / 80M$/);
});
