// Promise: the death of the supervisor of an app in the background is none to its clients. Its workers serve on, one of them starts another
// supervisor on the same sockets, and there is never more than one of them.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Snapshot } from '../../src/supervisor/picture/snapshot.ts';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { times } from '../support/form.ts';
import { freePort } from '../support/free-port.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { isAlive, processInfo } from '../support/processes.ts';
import { Uneven } from '../support/uneven.ts';

const quick = ['-i', '2', '--drain-timeout', '5s', '--stop-timeout', '2s', '--config', 'none', '--canary-time', '0'];

function pidsOf({ workers }: Snapshot): number[] {
  return workers.map(({ pid }) => pid ?? 0);
}

/** Every supervisor of an app that lives. */
function supervisors(cli: Cli): number[] {
  return cli
    .processes()
    .filter((pid) => / (\S*\/)?dist\/cli\/background\.js |dist\/bin\.js run /.test(` ${processInfo(pid)?.command} `));
}

/** A supervisor that has all its workers, other than `before`, and nobody else. */
async function whole(cli: Cli, before: number, workers = 2): Promise<Snapshot> {
  const after = await eventually(
    'another supervisor with all workers, and nothing else',
    async () => {
      const now = await cli.snapshot('web');
      const ready = now.workers.filter(({ state }) => state === 'ready');
      return now.pid !== before && now.state === 'running' && ready.length === workers ? now : null;
    },
    { deadlineMs: 60_000 },
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${cli.logs()}`);
  });
  // A spare may start later.
  const known = [after.pid, ...pidsOf(after).filter((pid) => pid > 0)];
  await eventually('nothing left of those before', () => {
    const old = readdirSync(join(cli.home, 'workers')).filter((file) => !file.startsWith(`web.${after.pid}.`));
    return old.length === 0 ? true : Promise.reject(new Error(old.join(' ')));
  });
  assert.deepEqual(supervisors(cli), [after.pid], cli.logs());
  assert.ok(known.every(isAlive));
  return after;
}

describe('when the supervisor of an app in the background is killed', () => {
  it('no request is lost, again and again, and another supervisor has the app', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', ...quick]);
    await using load = await startLoad({ port: cli.port, keepAlive: 12, fresh: 6 });
    for (let i = 0; i < times({ short: 2, default: 2, long: 10 }); i += 1) {
      const before = await cli.snapshot('web');
      await load.more(300);
      process.kill(before.pid, 'SIGKILL');
      await whole(cli, before.pid);
      assert.ok(pidsOf(before).every((pid) => !isAlive(pid)));
      await load.more(300);
    }
    assertNothingLost(await load.stop(), 1000);
    assert.match(cli.logs(), /took the app over from the supervisor that was killed/);
  });

  it('again and again, too soon each time: its workers serve on, and start no other one', async () => {
    await using cli = await openCli();
    const entry = cli.fixture('hello.cjs');
    await cli.ok(['start', entry, '-n', 'web', ...quick, '-i', '1']);
    const first = await cli.snapshot('web');
    const roster = join(cli.home, 'workers', `web.${first.pid}.json`);
    writeFileSync(roster, JSON.stringify({ ...JSON.parse(readFileSync(roster, 'utf8')), revivals: 14 }));
    process.kill(first.pid, 'SIGKILL');
    const last = await whole(cli, first.pid, 1);
    await eventually('nobody starts a supervisor', () => !existsSync(join(cli.home, 'workers', 'web.turn')));
    process.kill(last.pid, 'SIGKILL');
    const since = join(cli.home, 'workers', `web.${last.pid}.since`);
    await eventually('the worker serves on', () => existsSync(since));
    const status = JSON.parse((await cli.run(['status', 'web', '--json'])).stdout);
    assert.deepEqual([status.state, status.givenUp], ['orphaned', true]);
    assert.equal(existsSync(join(cli.home, 'workers', 'web.turn')), false, 'nobody starts a supervisor');
    assert.match(cli.logs(), /15 supervisors in a row were killed or failed/);
    assert.equal((await fetch({ port: cli.port })).status, 200);
    await cli.ok(['start', entry, '-n', 'web', ...quick, '-i', '1']);
    await whole(cli, last.pid, 1);
  });

  it('connections that a worker is sending away in that moment are answered at once', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', ...quick]);
    const { pid: primary } = await cli.snapshot('web');
    {
      using clients = await Uneven.connect(cli.port);
      process.kill(primary, 'SIGSTOP');
      clients.tilt();
      // What leaves its worker now waits for the primary, and its client with it.
      let silent = 0;
      await eventually('some are on their way', () => {
        silent = clients.waiting > 2 ? silent + 1 : 0;
        clients.ask();
        return silent === 10;
      });
      process.kill(primary, 'SIGKILL');
      for (let i = 0; i < 2; i += 1) {
        await eventually('every client has its answer', () => clients.waiting === 0, { deadlineMs: 4_000 });
        clients.ask();
      }
    }
    await whole(cli, primary);
  });

  it('twice within a second, its lowest worker with it, there is one supervisor in the end', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', ...quick, '-i', '3']);
    const first = await cli.snapshot('web');
    await using load = await startLoad({ port: cli.port, keepAlive: 0, fresh: 6, freshThinkMs: 20 });
    await load.more(50);
    process.kill(first.pid, 'SIGKILL');
    process.kill(pidsOf(first)[0] ?? 0, 'SIGKILL');
    const second = await eventually('the next one', () => supervisors(cli).find((pid) => pid !== first.pid), {
      everyMs: 5,
    });
    process.kill(second, 'SIGKILL');
    await whole(cli, first.pid, 3);
    await load.more(50);
    const { failures } = await load.stop();
    // What the worker had in its hands is lost with it; nobody is refused.
    assert.deepEqual(
      failures.filter(({ code }) => code === 'ECONNREFUSED' || code === 'hung'),
      [],
    );
  });

  it('during a reload, the workers of both generations end, and the app has the workers that it was scaled to', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('slow-start.cjs'), '-n', 'web', ...quick], { env: { START_MS: '300' } });
    await cli.ok(['scale', 'web', '3']);
    const before = await cli.snapshot('web');
    await using load = await startLoad({ port: cli.port, keepAlive: 4, fresh: 2, freshThinkMs: 20 });
    const reload = cli.begin(['reload', 'web']);
    await eventually('one worker is replaced', async () =>
      (await cli.snapshot('web')).workers.some(({ generation, pid }) => generation === 2 && pid !== null),
    );
    process.kill(before.pid, 'SIGKILL');
    await reload.finished;
    const after = await whole(cli, before.pid, 3);
    assert.equal(after.generation, 3);
    await load.more(100);
    assertNothingLost(await load.stop(), 100);
  });

  it('during a scale and the start of a spare, the app has the workers that were asked for', async () => {
    await using cli = await openCli();
    const start = ['start', cli.fixture('slow-start.cjs'), '-n', 'web', ...quick, '--spares', '1'];
    await cli.ok(start, { env: { START_MS: '300' } });
    const before = await cli.snapshot('web');
    const scale = cli.begin(['scale', 'web', '3']);
    await eventually('a third one and a spare start', async () => (await cli.snapshot('web')).target === 3);
    process.kill(before.pid, 'SIGKILL');
    await scale.finished;
    const after = await whole(cli, before.pid, 3);
    assert.deepEqual([after.target, after.generation], [3, 2]);
  });

  it('every socket is handed on: two ports, a path and UDP', async () => {
    await using cli = await openCli();
    const [second, datagrams] = [await freePort(), await freePort()];
    const path = join(cli.dir, 'web.sock');
    const places = cli.write('places', [cli.port, second, path, `udp:${datagrams}`].join('\n'));
    await cli.ok(['start', cli.fixture('places.cjs'), '-n', 'web', ...quick], { env: { PLACES: places } });
    const before = await cli.snapshot('web');
    process.kill(before.pid, 'SIGKILL');
    const after = pidsOf(await whole(cli, before.pid));
    for (const where of [{ port: cli.port }, { port: second }, { socketPath: path }]) {
      const answer = await get(where);
      assert.ok(after.includes(Number(answer.split(' ')[1])), answer);
    }
    assert.equal(await echo(datagrams), 'hello');
  });

  it('a port that only one worker had is taken from it', async () => {
    await using cli = await openCli();
    const start = ['start', cli.fixture('hello.cjs'), '-n', 'web', ...quick, '--increment-var', 'PORT'];
    await cli.ok(start);
    const before = await cli.snapshot('web');
    process.kill(before.pid, 'SIGKILL');
    const after = pidsOf(await whole(cli, before.pid));
    for (const port of [cli.port, cli.port + 1]) assert.ok(after.includes((await fetch({ port })).pid));
  });

  it('a start by hand takes over from orphans of an app in the foreground, and refuses nobody', async () => {
    await using cli = await openCli();
    const args = [cli.fixture('hello.cjs'), '-n', 'web', ...quick];
    const run = cli.begin(['run', ...args, '--orphan', 'serve']);
    const before = await eventually('it runs', () => cli.snapshot('web'));
    await eventually('it serves', async () => (await fetch({ port: cli.port })).status === 200);
    await using load = await startLoad({ port: cli.port, keepAlive: 4, fresh: 4, freshThinkMs: 10 });
    await load.more(200);
    run.process.kill('SIGKILL');
    await once(run.process, 'exit');
    const status = await eventually('it is known as what it is', async () => {
      const [app] = JSON.parse((await cli.run(['status', '--json'])).stdout).apps;
      return app.until === null ? null : app;
    });
    assert.deepEqual([status.state, status.policy, status.workers.length], ['orphaned', 'serve', 2]);
    assert.match((await cli.run(['status', 'web'])).stdout, /web +orphaned +2 serve +for \S+ \S+ at most/);
    assert.match((await cli.run(['doctor'])).stdout, /workers of web .* they serve on, for .* at most/);
    await cli.ok(['start', ...args]);
    await whole(cli, before.pid);
    await load.more(100);
    assertNothingLost(await load.stop(), 100);
  });

  it('a stop ends the orphans that serve, for good, and what died without any is not listed as stopped', async () => {
    await using cli = await openCli();
    await cli.ok(['start', cli.fixture('hello.cjs'), '-n', 'web', ...quick]);
    const before = await cli.snapshot('web');
    process.kill(before.pid, 'SIGKILL');
    await cli.ok(['stop', 'web']);
    await eventually('nothing lives', () => cli.processes().length === 0);
    assert.match((await cli.run(['status'])).stdout, /web +stopped/);
    await cli.ok(['start', 'web']);
    const again = await cli.snapshot('web');
    for (const pid of [again.pid, ...pidsOf(again)]) process.kill(pid, 'SIGSTOP');
    for (const pid of [again.pid, ...pidsOf(again)]) process.kill(pid, 'SIGKILL');
    await eventually('it is dead', async () => /web +died/.test((await cli.run(['status'])).stdout));
    assert.match((await cli.run(['doctor'])).stdout, /app web +its supervisor \(pid \d+\) was killed/);
    assert.match((await cli.run(['reload', 'web'])).stderr, /its supervisor \(pid \d+\) was killed/);
    await cli.ok(['start', 'web']);
  });
});

function get(where: { port?: number; socketPath?: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    });
    asked.on('error', reject).end();
  });
}

async function echo(port: number): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const answered = new Promise<string>((resolve) => socket.once('message', (text) => resolve(text.toString())));
    socket.send('hello', port, '127.0.0.1');
    return await answered;
  } finally {
    socket.close();
  }
}
