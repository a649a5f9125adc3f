// The primary of a whole app dies: all its workers end, whatever they were in the middle of, and the app can be started again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { startLoad } from '../support/load.ts';
import { isAlive, processInfo } from '../support/processes.ts';
import { accepts, nodePath, type Rig, startRig } from '../support/rig.ts';

const quick = { 'drain-timeout': '2s', 'stop-timeout': '2s' };

async function killPrimary(rig: Rig): Promise<void> {
  await rig.end('SIGKILL');
}

async function allGone(rig: Rig): Promise<void> {
  await eventually('no process left', () => rig.processes().length === 0);
  assert.equal(await accepts(rig.port), false, 'the port is still open');
}

function stuck(rig: Rig): number[] {
  return rig.processes().filter((pid) => processInfo(pid)?.command.startsWith('sleep 600'));
}

/** The shells that watch over the workers. */
function guardians(rig: Rig): number[] {
  return rig.processes().filter((pid) => processInfo(pid)?.command.includes('tutti-guardian'));
}

describe('a stop of an app whose supervisor was killed', { concurrency: 2 }, () => {
  for (const flags of [[], ['--fast', '--json']]) {
    it(`ends its workers, also those that hang ${flags}`, async () => {
      await using cli = await openCli();
      const start = [
        '-i',
        '2',
        '--drain-timeout',
        '1s',
        '--stop-timeout',
        '1s',
        '--config',
        'none',
        '--orphan',
        'drain',
      ];
      await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', ...start]);
      const { pid, workers } = await cli.snapshot('web');
      const [first, second] = workers.map((worker) => worker.pid ?? 0);
      // One that cannot leave by itself.
      process.kill(first ?? 0, 'SIGSTOP');
      process.kill(pid, 'SIGKILL');
      await eventually('the supervisor to be gone', () => !isAlive(pid));
      const { stdout } = await cli.ok(['stop', 'web', ...flags]);
      assert.ok(
        [first, second].every((worker) => !isAlive(worker ?? 0)),
        'a worker lives',
      );
      if (flags.includes('--json')) assert.equal(JSON.parse(stdout).results[0].outcome, 'done');
      else
        assert.match(
          stdout,
          new RegExp(`its supervisor was killed; ending the workers that it left: .*${first}[^]*✔ web: stopped`),
        );
      assert.match((await cli.run(['status'])).stdout, /web +stopped/);
    });
  }
});

it('a stop whose supervisor is killed meanwhile ends what is left, and the app counts as stopped', async () => {
  await using cli = await openCli();
  await cli.ok(['start', cli.fixture('slow-response.cjs'), '-n', 'web', '-i', '2', '--config', 'none']);
  const { pid, workers } = await cli.snapshot('web');
  const slow = fetch({ port: cli.port, path: '/?ms=1500' });
  await eventually('the request is in flight', async () =>
    (await cli.snapshot('web')).workers.some(({ activeRequests }) => activeRequests === 1),
  );
  const stop = cli.begin(['stop', 'web']);
  await eventually('it stops', async () => (await cli.snapshot('web')).state === 'stopping');
  process.kill(pid, 'SIGKILL');
  const { code, stderr } = await stop.finished;
  assert.equal(code, 0, stderr);
  assert.ok(workers.every((worker) => !isAlive(worker.pid ?? 0)));
  assert.equal((await slow).status, 200);
  assert.match((await cli.run(['status'])).stdout, /web +stopped/);
});

// Each of them mostly waits for the time that a worker is given.
describe('when the primary dies', { concurrency: 3 }, () => {
  it('workers end also if a connection was on its way through it', async () => {
    await using rig = await startRig({ fixture: 'passes-on.cjs', flags: { workers: 3, balance: 'kernel', ...quick } });
    // A stopped primary takes nothing: Node waits for its word, and tells nobody that the channel is closed.
    rig.signal('SIGSTOP');
    for (let i = 0; i < 12; i += 1) assert.equal((await rig.fetch('/pass')).body, 'passed on\n');
    await killPrimary(rig);
    await allGone(rig);
  });

  it('workers end also under load, with connections being evened out', async () => {
    await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 3, ...quick } });
    await using load = await startLoad({ port: rig.port, keepAlive: 25, fresh: 25, timeoutMs: 2000 });
    await load.reached(300);
    rig.signal('SIGSTOP');
    await load.more(1000);
    await killPrimary(rig);
    await allGone(rig);
  });

  it('a worker whose loop hangs is killed when its time is over', async () => {
    await using rig = await startRig({ fixture: 'hangs.cjs', flags: { workers: 2, ...quick } });
    const hung = rig.fetch('/hang').catch(() => null);
    await rig.waitFor('worker-suspect');
    await killPrimary(rig);
    await allGone(rig);
    await hung;
  });

  it('a worker that is stopped is killed when its time is over', async () => {
    await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 2, ...quick } });
    const [first] = rig.workers();
    assert.ok(first !== undefined);
    await eventually('the guardian', () => guardians(rig).length === 1);
    process.kill(first, 'SIGSTOP');
    await killPrimary(rig);
    await allGone(rig);
  });

  it('a worker that never came as far as our code is killed when its time is over', async () => {
    await using rig = await startRig({
      fixture: 'hello.cjs',
      flags: { workers: 1, ...quick, node: fileURLToPath(new URL('../fixtures/broken/no-node.sh', import.meta.url)) },
      env: { NODE: nodePath },
      ready: 0,
    });
    await eventually('a worker and its guardian', () => guardians(rig).length === 1 && stuck(rig).length === 1);
    await killPrimary(rig);
    await allGone(rig);
  });

  it('the guardian outlives signals for the whole group, and is replaced when it is killed', async () => {
    await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 1, ...quick } });
    const guardian = await eventually('the guardian', () => guardians(rig)[0]);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.kill(guardian, signal);
    process.kill(guardian, 'SIGKILL');
    await eventually('another one', () => guardians(rig).length === 1 && guardians(rig)[0] !== guardian);
    await rig.end('SIGTERM');
  });
});

describe('an app in the background whose supervisor was killed', { concurrency: 2 }, () => {
  it('is seen, and starts again while a worker of it hangs on its port', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hangs.cjs'), '-n', 'web', '-i', '2', '--orphan', 'drain']);
    const before = await cli.snapshot('web');
    const hung = fetch({ port: cli.port, path: '/hang' }).catch(() => null);
    await eventually('a worker hangs', async () =>
      (await cli.snapshot('web')).workers.some(({ state }) => state === 'suspect'),
    );
    process.kill(before.pid, 'SIGKILL');
    const workers = before.workers.map(({ pid }) => pid ?? 0);
    await eventually('only the worker that hangs is left', () => workers.filter(isAlive).length === 1);
    const [left] = workers.filter(isAlive);

    assert.match((await cli.run(['status'])).stdout, /web +orphaned +1 left/);
    const doctor = await cli.run(['doctor']);
    assert.match(
      doctor.stdout,
      new RegExp(`workers of web +left alone by .*\\(pid ${before.pid}\\): ${left}; 1 still holds a port`),
    );
    assert.match(
      (await cli.run(['reload', 'web'])).stderr,
      new RegExp(`its supervisor was killed, .* still live: ${left}\\.`),
    );

    const again = await cli.ok(['start', 'web']);
    assert.match(
      again.stderr,
      new RegExp(`workers of a supervisor that was killed \\(pid ${before.pid}\\) are still here \\(${left}\\)`),
    );
    assert.equal(isAlive(left ?? 0), false);
    assert.match(cli.logs(), /Those that did not close their ports were killed: \d+/);
    assert.equal((await fetch({ port: cli.port, path: '/' })).status, 200);
    await hung;
  });

  it('leaves workers alone that finish what they have, and no other process is touched', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('slow-response.cjs'), '-n', 'web', '-i', '2', '--orphan', 'drain']);
    const before = await cli.snapshot('web');
    const slow = fetch({ port: cli.port, path: '/?ms=6000' });
    await eventually('the request is in flight', async () =>
      (await cli.snapshot('web')).workers.some(({ activeRequests }) => activeRequests === 1),
    );
    // As if the number of a worker had been given to somebody else: born at another time.
    const bystander = spawn(process.execPath, ['-e', 'require("node:net").createServer().listen(0)'], {
      stdio: 'ignore',
    });
    process.kill(before.pid, 'SIGKILL');
    const file = join(cli.home, 'workers', `web.${before.pid}.json`);
    const roster = JSON.parse(readFileSync(file, 'utf8'));
    roster.workers.push({ pid: bystander.pid, born: '1' });
    writeFileSync(file, JSON.stringify(roster), { mode: 0o600 });
    await cli.ok(['start', 'web']);
    assert.equal((await fetch({ port: cli.port, path: '/?ms=1' })).status, 200);
    assert.equal((await slow).status, 200);
    assert.ok(isAlive(bystander.pid ?? 0));
    bystander.kill('SIGKILL');
  });
});
