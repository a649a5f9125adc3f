// Promise: only a reload loads new code. Releases behind a symlink stay what they were for everything that is restarted;
// where files were overwritten in place, no living old worker is retired for code that does not work.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { Releases } from '../support/releases.ts';
import { type Rig, root, startRig } from '../support/rig.ts';

async function versions(rig: Rig): Promise<Set<string>> {
  const answers = await Promise.all(Array.from({ length: 20 }, () => rig.fetch()));
  return new Set(answers.map(({ headers }) => String(headers['x-version'])));
}

test('a symlink that moved changes nothing until a reload, whoever dies meanwhile', async () => {
  using releases = new Releases().deploy('1');
  await using rig = await startRig({ fixture: releases.entry });
  releases.deploy('2');
  const from = rig.events.length;
  for (const pid of rig.ready()) process.kill(pid, 'SIGKILL');
  await rig.waitFor('worker-ready', { from });
  await rig.untilReady(2);
  assert.deepEqual(await versions(rig), new Set(['1']));
  assert.equal((await rig.reload()).type, 'reload-done');
  assert.deepEqual(await versions(rig), new Set(['2']));
});

test('rollback goes back to the release before', async () => {
  using releases = new Releases().deploy('1');
  await using rig = await startRig({ fixture: releases.entry, library: true });
  releases.deploy('2');
  assert.equal((await rig.call<{ outcome: string }>('reload')).outcome, 'done');
  assert.deepEqual(await versions(rig), new Set(['2']));
  assert.equal((await rig.call<{ outcome: string }>('rollback')).outcome, 'done');
  await rig.untilReady(2);
  assert.deepEqual(await versions(rig), new Set(['1']));
  const from = rig.events.length;
  for (const pid of rig.ready()) process.kill(pid, 'SIGKILL');
  await rig.waitFor('worker-ready', { from });
  await rig.untilReady(2);
  assert.deepEqual(await versions(rig), new Set(['1']));
});

test('overwritten in place and broken: old workers stay, the result says so, a lost one waits for a good reload', async () => {
  using releases = new Releases().deploy('1');
  const file = `${releases.folder}/releases/1/server.cjs`;
  const good = readFileSync(file, 'utf8');
  await using rig = await startRig({ fixture: file });
  const old = rig.ready();
  writeFileSync(file, readFileSync(`${root}/test/fixtures/throws-on-boot.cjs`));
  const result = await rig.reload();
  assert.equal(result.type, 'reload-failed');
  assert.equal(result.degraded, true, JSON.stringify(result));
  assert.deepEqual(rig.ready(), old, 'nobody was retired');

  const [victim = 0, survivor = 0] = old;
  const from = rig.events.length;
  process.kill(victim, 'SIGKILL');
  // It is retried, by backoff, and cannot come back; the other one serves on.
  await rig.waitFor((event) => event.type === 'worker-exit' && event.pid !== victim, { from });
  await rig.waitFor((event) => event.type === 'worker-restart' && Number(event.delayMs) > 0, { from });
  assert.deepEqual(rig.ready(), [survivor]);
  assert.equal((await rig.fetch()).headers['x-version'], '1');

  writeFileSync(file, good.replace("VERSION = '1'", "VERSION = '2'"));
  assert.equal((await rig.reload()).type, 'reload-done');
  await rig.untilReady(2);
  assert.deepEqual(await versions(rig), new Set(['2']));
  await eventually('the last old worker to leave', () => !rig.workers().includes(survivor));
});
