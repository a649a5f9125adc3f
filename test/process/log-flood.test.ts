// Promise: workers' output never passes through the primary. A flood costs neither it nor the worker memory, and neither a primary that
// stands still nor a full disk stops a worker that writes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { processesBelow } from '../support/processes.ts';
import { type Rig, startRig } from '../support/rig.ts';

interface State {
  pid: number;
  count: number;
  /** Bytes that the worker keeps because nobody has taken them yet. */
  backlog: number;
}

async function state(rig: Rig): Promise<State> {
  return JSON.parse((await rig.fetch()).body.toString());
}

function rssBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Until the worker has written that many more lines. */
async function written(rig: Rig, lines: number): Promise<State> {
  const from = (await state(rig)).count;
  let now = await state(rig);
  await eventually(`${lines} more lines`, async () => {
    now = await state(rig);
    return now.count >= from + lines;
  });
  return now;
}

const MEGABYTE = 1024 * 1024;

test('a flood grows neither the primary nor the worker, and goes on while the primary stands still', async () => {
  await using rig = await startRig({
    fixture: 'floods.cjs',
    flags: { workers: 1, 'log-file': 'app.log', 'log-max-size': '5M', 'log-keep': 1 },
  });
  const first = await written(rig, 100_000);
  const primary = rssBytes(rig.pid);
  rig.signal('SIGSTOP');
  try {
    const during = await written(rig, 200_000);
    assert.equal(during.pid, first.pid);
    assert.ok(during.backlog < 16 * MEGABYTE, `the worker holds back ${during.backlog / MEGABYTE} MB`);
  } finally {
    rig.signal('SIGCONT');
  }
  const last = await written(rig, 100_000);
  assert.equal(last.pid, first.pid);
  assert.ok(last.backlog < 16 * MEGABYTE, `the worker holds back ${last.backlog / MEGABYTE} MB`);
  const grown = rssBytes(rig.pid) - primary;
  assert.ok(grown < 16 * MEGABYTE, `the primary grew by ${grown / MEGABYTE} MB`);
  // Just after a rotation there is no whole line in it yet.
  const lines = await eventually('lines in the file', () => {
    const whole = readFileSync(join(rig.dir, 'app.log'), 'utf8').split('\n').slice(0, -1);
    return whole.length > 0 ? whole : null;
  });
  // A machine that cannot keep up says so in a line of its own.
  const broken = lines.findIndex((line) => !/^(\d{20} x{78}|\d+ lines were dropped: .*)$/.test(line));
  assert.equal(broken, -1, `line ${broken} of ${lines.length} is not whole: ${lines[broken]}`);
});

test('a disk that takes nothing any more stops nobody', async () => {
  await using rig = await startRig({
    fixture: 'floods.cjs',
    flags: { workers: 1, 'log-file': '/dev/full' },
    env: { RATE_MB: '4' },
  });
  const first = await state(rig);
  const last = await written(rig, 50_000);
  assert.equal(last.pid, first.pid);
  assert.ok(last.backlog < 16 * MEGABYTE, `the worker holds back ${last.backlog / MEGABYTE} MB`);
});

test('a log process that is killed takes no worker with it: they are replaced in peace', async () => {
  await using rig = await startRig({
    fixture: 'floods.cjs',
    flags: { workers: 1, 'log-file': 'app.log' },
    env: { RATE_MB: '1' },
  });
  const before = await written(rig, 1000);
  const logs = processesBelow(rig.pid).find(({ command }) => command.includes('log-writer'));
  assert.ok(logs !== undefined, 'there is a log process');
  process.kill(logs.pid, 'SIGKILL');
  const end = await rig.events.waitFor(({ type, pid }) => type === 'worker-exit' && pid === before.pid);
  assert.equal(end.reason, 'planned', JSON.stringify(end));
  const after = await written(rig, 1000);
  assert.notEqual(after.pid, before.pid);
  assert.deepEqual(rig.events.all('worker-exit').length, 1);
});
