// Which incident is the last one, for everybody who asks.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { IncidentCollector } from '../../src/app/incident-collector.ts';
import { IncidentStore, readIncidents } from '../../src/logs/incidents/incident-store.ts';

const NOW = Date.now();

interface Scene {
  folder: string;
  store: IncidentStore;
  clock: { ms: number };
  /** A worker that ends badly, now. */
  ends: (slot: number, detail: string) => void;
}

function scene(t: TestContext, folder = mkdtempSync(join(tmpdir(), 'collector-')), ms = NOW): Scene {
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = new IncidentStore(folder);
  const clock = { ms };
  const collector = new IncidentCollector({ app: 'shop', store, report: () => {}, now: () => new Date(clock.ms) });
  let pid = 100;
  const ends = (slot: number, detail: string) => {
    pid += 1;
    const exit = { code: 1, signal: null, reason: 'crashed', lastLines: [], uptimeMs: 5 } as const;
    collector.exited({ type: 'worker-exit', ...exit, detail, slot, pid, generation: 1 });
  };
  return { folder, store, clock, ends };
}

/** As whoever asks the supervisor, and whoever reads the disk, sees them. */
function seen({ folder, store }: Scene): string[] {
  const told = store.list().map(({ summary }) => summary);
  const read = readIncidents(folder).map(({ summary }) => summary);
  assert.deepEqual(read.reverse(), told);
  return told;
}

test('the last one is what happened last, also when it happened before', (t) => {
  const began = scene(t);
  began.ends(0, 'a');
  began.clock.ms += 1_000;
  began.ends(1, 'b');
  began.clock.ms += 1_000;
  began.ends(2, 'a');
  assert.deepEqual(seen(began), ['a', 'b']);
  assert.equal(began.store.list()[0]?.count, 2);
});

test('in the same millisecond, from several workers, in the order in which they came', (t) => {
  const began = scene(t);
  // By its name the file of slot 10 stands before the one of slot 2, and the twelfth before the second.
  for (let number = 0; number < 12; number += 1) began.ends(12 - number, `${number}`);
  assert.deepEqual(seen(began), ['11', '10', '9', '8', '7', '6', '5', '4', '3', '2', '1', '0']);
  began.ends(3, '4');
  assert.equal(seen(began)[0], '4');
});

test('after a restart of the app, and on a clock that was set back', (t) => {
  const before = scene(t);
  before.ends(0, 'a');
  before.ends(0, 'b');
  const after = scene(t, before.folder, NOW - 3_600_000);
  after.ends(0, 'c');
  assert.deepEqual(seen(after), ['c', 'b', 'a']);
  after.ends(0, 'a');
  assert.deepEqual(seen(after), ['a', 'c', 'b']);
});

test('what is forgotten is what happened longest ago, not what was seen first', (t) => {
  const began = scene(t);
  began.ends(0, 'again and again');
  for (let number = 0; number < 60; number += 1) {
    began.clock.ms += 1;
    began.ends(0, `${number}`);
    began.ends(0, 'again and again');
  }
  const all = seen(began);
  assert.equal(all.length, 50);
  assert.deepEqual(all.slice(0, 2), ['again and again', '59']);
});
