// Promise: the supervisor itself can be replaced, and no request is lost by it; and whatever becomes of the attempt, one of the two serves.

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Snapshot } from '../../src/supervisor/picture/snapshot.ts';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { times } from '../support/form.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { isAlive } from '../support/processes.ts';
import { startRig } from '../support/rig.ts';

/** Each upgrade goes to the next of these: `TUTTI_TEST_NODES=/path/to/node-24,/path/to/node-26`. */
const nodes = (process.env.TUTTI_TEST_NODES ?? process.env.TUTTI_TEST_NODE ?? process.execPath).split(',');

async function started(flags: readonly string[] = []): Promise<{ cli: Cli; entry: string }> {
  const cli = await openCli();
  const entry = join(cli.dir, 'server.cjs');
  copyFileSync(cli.fixture('hello.cjs'), entry);
  await cli.ok(['start', entry, '-n', 'web', '-i', '2', '--canary-time', '100ms', ...flags]);
  return { cli, entry };
}

/** As soon as a successor is there. */
async function successorOf(cli: Cli, seen: number): Promise<number> {
  const told = () => [...cli.logs().matchAll(/a successor starts: process (\d+)/g)];
  await eventually('a successor starts', () => told().length > seen);
  return Number(told().at(-1)?.[1]);
}

async function alone(cli: Cli, pid: number): Promise<Snapshot> {
  let snapshot = await cli.snapshot('web');
  await eventually('one supervisor with its workers', async () => {
    snapshot = await cli.snapshot('web');
    return snapshot.pid === pid && snapshot.workers.every(({ state }) => state === 'ready');
  });
  return snapshot;
}

/** Who has the control socket when `before` has it no more. */
function nextSupervisor(cli: Cli, before: number): Promise<number> {
  return eventually('another supervisor has the control socket', async () => {
    const { pid } = await cli.snapshot('web');
    return pid === before ? null : pid;
  });
}

test('upgrades under load lose no request, and history goes on', async () => {
  const upgrades = times({ short: 2, default: 3, long: 20 });
  const { cli } = await started();
  await using _ = cli;
  await cli.ok(['scale', 'web', '3']);
  await using load = await startLoad({ port: cli.port });
  await load.more(500);
  for (let i = 1; i <= upgrades; i += 1) {
    const before = await cli.snapshot('web');
    const [known] = (await cli.client('web').recentEvents()).slice(-1);
    const node = nodes[i % nodes.length] ?? process.execPath;
    const { stdout } = await cli.ok(['upgrade', 'web', '--node', node, '--json']);
    assert.equal(JSON.parse(stdout).results[0].outcome, 'done');
    const after = await cli.snapshot('web');
    assert.notEqual(after.pid, before.pid);
    assert.equal(after.generation, before.generation + 1);
    assert.equal(after.target, 3);
    assert.ok(
      (await cli.client('web').recentEvents()).some(({ id }) => id === known?.id),
      'its past is known',
    );
    await eventually('the old one is gone', () => !isAlive(before.pid));
    await load.more(500);
  }
  const result = await load.stop();
  assertNothingLost(result, upgrades * 500);
  // Of the one before, to which the first supervisor belonged, its successor knows what it ran.
  await cli.ok(['rollback', 'web']);
  const metrics = await scrape(cli);
  const counted = [...metrics.matchAll(/^tutti_http_requests_total\{.*\} (\d+)/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
  assert.ok(counted >= result.ok, `${counted} requests are counted, ${result.ok} were answered`);
});

test('a successor that fails, hangs or is killed leaves the old supervisor as it was', async () => {
  const { cli, entry } = await started(['--start-timeout', '20s']);
  await using _ = cli;
  const { pid } = await cli.snapshot('web');
  await using load = await startLoad({ port: cli.port, keepAlive: 10, fresh: 4 });
  const good = cli.fixture('hello.cjs');

  writeFileSync(entry, 'throw new Error("broken release")');
  const crashed = await cli.run(['upgrade', 'web']);
  assert.equal(crashed.code, 1);
  assert.match(crashed.stderr, /broken release/);

  writeFileSync(entry, 'setInterval(() => {}, 1000)');
  const never = await cli.run(['upgrade', 'web', '--timeout', '3s']);
  assert.equal(never.code, 1);
  assert.match(never.stderr, /not ready in time/);
  copyFileSync(good, entry);

  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    const seen = [...cli.logs().matchAll(/a successor starts/g)].length;
    const upgrade = cli.begin(['upgrade', 'web', '--timeout', '4s']);
    const successor = await successorOf(cli, seen);
    process.kill(successor, signal);
    const { code, stderr } = await upgrade.finished;
    assert.equal(code, 1);
    assert.match(stderr, signal === 'SIGKILL' ? /ended with SIGKILL/ : /not ready in time/);
    await eventually('the successor is gone', () => !isAlive(successor));
  }
  assert.equal((await alone(cli, pid)).pid, pid);
  await load.more(200);
  assertNothingLost(await load.stop(), 200);
});

test('when the old supervisor is killed half-way, there is one supervisor afterwards', async () => {
  const { cli } = await started();
  await using _ = cli;
  const { pid } = await cli.snapshot('web');
  const upgrade = cli.begin(['upgrade', 'web']);
  const successor = await successorOf(cli, 0);
  process.kill(pid, 'SIGKILL');
  await upgrade.finished;
  const now = await nextSupervisor(cli, pid);
  // Orphans may have started one before the successor was ready: then that one is the supervisor.
  if (now !== successor) await eventually('the successor has given up', () => !isAlive(successor));
  await alone(cli, now);
  assert.equal((await fetch({ port: cli.port })).status, 200);
});

test('a successor that comes too late finds another supervisor, and steps aside without a loss', async () => {
  const { cli } = await started();
  await using _ = cli;
  const { pid } = await cli.snapshot('web');
  const upgrade = cli.begin(['upgrade', 'web']);
  const successor = await successorOf(cli, 0);
  process.kill(successor, 'SIGSTOP');
  process.kill(pid, 'SIGKILL');
  await upgrade.finished;
  await using load = await startLoad({ port: cli.port });
  const now = await nextSupervisor(cli, pid);
  process.kill(successor, 'SIGCONT');
  await eventually('the successor has ended', () => !isAlive(successor));
  await alone(cli, now);
  await load.more(200);
  assertNothingLost(await load.stop(), 200);
});

test('in the foreground the first process stays, passes signals on, and ends like its successor', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'upgrade-'));
  const socketPath = join(folder, 'app.sock');
  try {
    await using rig = await startRig({ fixture: 'unix-socket.cjs', env: { SOCKET: socketPath } });
    const before = rig.ready();
    rig.signal('SIGUSR2');
    await rig.waitFor('upgrade-finished');
    await eventually('the old workers are gone', () => !before.some(isAlive));
    assert.ok(existsSync(socketPath), 'the path is the successor’s now');
    assert.equal((await fetch({ socketPath })).status, 200);
    assert.equal((await rig.end('SIGTERM')).code, 0);
    assert.ok(!existsSync(socketPath));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

async function scrape(cli: Cli): Promise<string> {
  const socketPath = join(cli.home, 'run', 'web.sock');
  assert.ok(existsSync(socketPath));
  return (await fetch({ socketPath, path: '/metrics' })).body;
}
