// Promise: what was saved comes back after a boot, whatever became of one app or of one file; and what stands on the disk is whole.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { SmallDisk } from '../support/small-disk.ts';

const few = ['-i', '1', '--canary-time', '0', '--config', 'none', '--env', 'PORT=0'];

function running(stdout: string): string[] {
  return JSON.parse(stdout)
    .apps.filter(({ state }: { state: string }) => !['stopped', 'failed'].includes(state))
    .map(({ name }: { name: string }) => name)
    .sort();
}

test('save, a boot, resurrect: what ran comes back, what was stopped does not, and one that fails stops no other', async () => {
  await using cli = await openCli();
  const broken = cli.write('broken.cjs', `require('node:fs'); require('node:http').createServer().listen(0)`);
  const programs = { broken, web: cli.fixture('hello.cjs'), idle: cli.fixture('hello.cjs') };
  assert.equal((await cli.run(['resurrect'])).code, 1);
  assert.equal((await cli.run(['start', 'all'])).code, 5);
  assert.equal((await cli.run(['save'])).code, 5);
  for (const [name, program] of Object.entries(programs)) await cli.ok(['start', program, '-n', name, ...few]);
  await cli.ok(['stop', 'idle']);
  const saved = JSON.parse((await cli.ok(['save', '--json'])).stdout);
  assert.deepEqual(saved.saved, ['broken', 'web']);
  // The power fails.
  for (const pid of cli.processes()) process.kill(pid, 'SIGKILL');
  await eventually('the end of all', () => cli.processes().length === 0);
  writeFileSync(broken, 'throw new Error("no database")');
  const brought = await cli.run(['resurrect', '--json']);
  const { started, failed } = JSON.parse(brought.stdout);
  assert.equal(brought.code, 2, brought.stderr);
  assert.deepEqual(
    started.map(({ name }: { name: string }) => name),
    ['web'],
  );
  assert.deepEqual(
    failed.map(({ name, code }: { name: string; code: string }) => [name, code]),
    [['broken', 'ERR_NEVER_READY']],
  );
  assert.deepEqual(running((await cli.ok(['status', '--json'])).stdout), ['web']);
  // And all, now that it is mended; what runs is left alone.
  writeFileSync(broken, `require('node:http').createServer().listen(0)`);
  const all = await cli.ok(['start', 'all']);
  assert.match(all.stdout, /web: runs already/);
  assert.deepEqual(running((await cli.ok(['status', '--json'])).stdout), ['broken', 'idle', 'web']);
  await cli.ok(['delete', 'idle', 'web']);
  assert.deepEqual(JSON.parse(readFileSync(saved.file, 'utf8')).apps, ['broken']);
});

test('a record and a list that are cut give way to those from before, and a token that is gone comes back', async () => {
  await using cli = await openCli();
  await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', ...few]);
  await cli.ok(['save']);
  await cli.ok(['save']);
  await cli.ok(['restart', 'web']);
  truncateSync(join(cli.home, 'run/web.token'), 7);
  await eventually('a command is taken', async () => (await cli.run(['stop', 'web'])).code === 0);
  for (const file of ['apps/web.json', 'boot/saved.json']) truncateSync(join(cli.home, file), 20);
  const { stderr } = await cli.ok(['resurrect']);
  assert.match(
    stderr,
    /cannot use .*saved\.json, because it is cut off or was changed; the list saved before it is used/,
  );
  assert.match(stderr, /web: cannot use the record of its last start .*; what is known of the start before is used/);
  const left = readdirSync(cli.home, { recursive: true }).filter((name) => String(name).endsWith('.new'));
  assert.deepEqual(left, []);
});

test('a full disk and a read-only one: a clear error, and what was saved stays', async (t) => {
  await using cli = await openCli();
  const disk = await SmallDisk.over(cli.home);
  if (disk === null) return t.skip('no mount namespace can be had here');
  cli.prefix = disk.prefix;
  try {
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', ...few]);
    await cli.ok(['save']);
    const before = readFileSync(disk.path('boot/saved.json'), 'utf8');
    disk.fill();
    const full = await cli.run(['save']);
    assert.equal(full.code, 1);
    assert.match(full.stderr, /Cannot write .*saved\.json: ENOSPC/);
    disk.free();
    await cli.ok(['stop', 'web']);
    await disk.remount('ro');
    for (const args of [
      ['save', '--force'],
      ['delete', 'web'],
    ]) {
      const refused = await cli.run(args);
      assert.equal(refused.code, 1, refused.stderr);
      assert.match(refused.stderr, /Cannot write .*EROFS.*\(ERR_NOT_WRITTEN\)/s);
    }
    await disk.remount('rw');
    assert.equal(readFileSync(disk.path('boot/saved.json'), 'utf8'), before);
    await cli.ok(['resurrect']);
    await cli.ok(['delete', 'web']);
  } finally {
    await cli.run(['delete', 'all', '--fast']);
    await disk[Symbol.asyncDispose]();
    cli.prefix = [];
  }
});
