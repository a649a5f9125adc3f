// Signals to the primary are commands; signals to one worker are for that worker.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startRig } from '../support/rig.ts';

test('TTIN and TTOU: one worker more, one worker fewer', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 1 } });
  rig.signal('SIGTTIN');
  await rig.untilReady(2);
  rig.signal('SIGTTOU');
  await eventually('one worker again', () => rig.workers().length === 1);
  assert.equal((await rig.fetch()).status, 200);
});

test('HUP to a worker that listens to it reaches the application, which lives on; to one that does not, it is replaced', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 1 }, ready: 0 });
  await rig.untilReady(1);
  const [deaf] = rig.workers();
  process.kill(deaf as number, 'SIGHUP');
  await eventually('a new worker', () => rig.ready().length === 1 && rig.ready()[0] !== deaf);

  const entry = join(rig.dir, 'listens.cjs');
  const heard = join(rig.dir, 'heard');
  writeFileSync(
    entry,
    `process.on('SIGHUP', () => require('node:fs').appendFileSync(${JSON.stringify(heard)}, 'HUP '));
     require(${JSON.stringify(join(import.meta.dirname, '../fixtures/hello.cjs'))});`,
  );
  await using other = await startRig({ fixture: entry, flags: { workers: 2 } });
  const before = other.workers();
  process.kill(before[0] as number, 'SIGHUP');
  await eventually('the signal to arrive', () => readFileSync(heard, 'utf8') === 'HUP ');
  assert.deepEqual(other.workers(), before);
});

test('HUP to the whole group is one reload, and no worker takes it for itself', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 2 } });
  const from = rig.events.length;
  for (const pid of [rig.pid, ...rig.workers()]) process.kill(pid, 'SIGHUP');
  await rig.waitFor('reload-done', { from });
  assert.deepEqual(
    rig.events.lines().filter((line) => /told to end/.test(line)),
    [],
  );
  assert.equal(rig.ready().length, 2);
});
