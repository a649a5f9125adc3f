// Promise: a full disk ends nothing. With a real file system that is full, where this can be had.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { SmallDisk } from '../support/small-disk.ts';

/** The whole state folder of `cli` on a disk of 2 MB. */
async function smallHome(t: TestContext, cli: Cli): Promise<SmallDisk | null> {
  const disk = await SmallDisk.over(cli.home);
  if (disk === null) t.skip('no mount namespace can be had here');
  else cli.prefix = disk.prefix;
  return disk;
}

async function answers(cli: Cli): Promise<boolean> {
  return (await fetch({ port: cli.port })).status === 200;
}

async function pids(cli: Cli): Promise<{ primary: number; workers: number[] }> {
  const { stdout } = await cli.ok(['status', 'web', '--json']);
  const { pid, workers } = JSON.parse(stdout);
  return { primary: pid, workers: workers.map((worker: { pid: number }) => worker.pid) };
}

test('a disk that becomes full takes no primary with it, and its lines come when there is room again', async (t) => {
  await using cli = await openCli();
  const disk = await smallHome(t, cli);
  if (disk === null) return;
  try {
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '2']);
    const before = await pids(cli);
    disk.fill('logs/web.err.log', 'logs/web.log');
    const [victim] = before.workers;
    process.kill(victim as number, 'SIGKILL');
    await eventually('another worker in its place', async () => {
      const now = await pids(cli);
      return now.workers.length === 2 && !now.workers.includes(victim as number) && now.primary === before.primary;
    });
    assert.ok(await answers(cli));
    disk.free();
    await eventually('the lines of the time without room', () =>
      new RegExp(`pid ${victim}\\) was killed by a signal`).test(readFileSync(disk.path('logs/web.err.log'), 'utf8')),
    );
    await cli.ok(['stop', 'web']);
  } finally {
    await cli.run(['delete', 'all', '--fast']);
    await disk[Symbol.asyncDispose]();
    cli.prefix = [];
  }
});

test('on a disk that is full from the start an app can be started, and stopped', async (t) => {
  await using cli = await openCli();
  const disk = await smallHome(t, cli);
  if (disk === null) return;
  try {
    disk.fill();
    const started = await cli.run(['start', cli.fixture('hello.cjs'), '-n', 'web', '-i', '2']);
    assert.equal(started.code, 0, started.stderr);
    assert.match(started.stderr, /cannot be started again by its name alone: .*ENOSPC/);
    assert.ok(await answers(cli));
    disk.free();
    await eventually('commands are taken again', async () => (await cli.run(['reload', 'web'])).code === 0);
    await cli.ok(['stop', 'web']);
  } finally {
    await cli.run(['delete', 'all', '--fast']);
    await disk[Symbol.asyncDispose]();
    cli.prefix = [];
  }
});

test('tutti run on a full disk, its stderr a file there, speaks again when there is room', async (t) => {
  await using cli = await openCli();
  const disk = await smallHome(t, cli);
  if (disk === null) return;
  try {
    writeFileSync(disk.path('err.log'), '');
    disk.fill('err.log');
    cli.prefix = [...disk.prefix, 'sh', '-c', `exec "$@" 2>>'${cli.home}/err.log'`, 'sh'];
    const running = cli.begin(['run', cli.fixture('hello.cjs'), '-n', 'web', '-i', '1']);
    cli.prefix = disk.prefix;
    await eventually('an answer', () => answers(cli));
    disk.free();
    await eventually('its lines', () => readFileSync(disk.path('err.log'), 'utf8').includes('tutti: ready'));
    await eventually('commands are taken', async () => (await cli.run(['stop', 'web'])).code === 0);
    const { code } = await running.finished;
    assert.equal(code, 0);
    assert.match(readFileSync(disk.path('err.log'), 'utf8'), /tutti: stopped/);
  } finally {
    await cli.run(['delete', 'all', '--fast']);
    await disk[Symbol.asyncDispose]();
    cli.prefix = [];
  }
});
