// What users of PM2 rely on when programs end, by order or by themselves: behaviours 36, 37, 39 and 41–48 of the list in
// docs/from-pm2.md.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Cli, openCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';
import { isAlive } from '../../support/processes.ts';

const crashes = `
require('node:http').createServer((request, response) => {
  if (request.url === '/throw') setImmediate(() => { throw 'a plain text'; });
  if (request.url.startsWith('/exit')) process.exit(Number(request.url.slice(6)));
  if (request.url === '/grow') globalThis.kept = Buffer.alloc(120 * 1024 * 1024, 1);
  response.end(String(process.pid));
}).listen(Number(process.env.PORT));
`;

const logOf = (cli: Cli, name: string) => readFileSync(join(cli.home, 'logs', `${name}.log`), 'utf8');

async function events(cli: Cli, name: string) {
  return (await cli.client(name).recentEvents()).map(({ event }) => event);
}

describe('a program that is to end', { concurrency: true }, () => {
  it("hears 'shutdown', has its time, and is killed when that is over", async () => {
    await using cli = await openCli();
    cli.write(
      'hears.js',
      `process.on('message', (message) => { console.log('heard ' + message); if (message === 'shutdown') process.exit(0); });
       process.on('SIGINT', () => console.log('heard SIGINT'));
       process.send('ready');`,
    );
    cli.write(
      'deaf.js',
      `process.on('SIGINT', () => console.log('heard SIGINT')); process.send('ready'); setInterval(() => {}, 1e6)`,
    );
    const common = { wait_ready: true };
    const apps = [
      { ...common, name: 'hears', script: 'hears.js', instances: 2, shutdown_with_message: true },
      { ...common, name: 'deaf', script: 'deaf.js', kill_timeout: 1500 },
    ];
    cli.write('apps.json', JSON.stringify({ apps }));
    await cli.ok(['start', 'apps.json']);
    await cli.ok(['stop', 'hears']);
    assert.equal(logOf(cli, 'hears').match(/heard shutdown/g)?.length, 2);
    assert.doesNotMatch(logOf(cli, 'hears'), /heard SIGINT/);

    const pid = (await cli.snapshot('deaf')).workers[0]?.pid ?? 0;
    const stop = cli.begin(['stop', 'deaf']);
    await eventually('it is stopping', async () => (await cli.snapshot('deaf')).workers[0]?.state === 'stopping');
    await stop.finished;
    assert.equal(isAlive(pid), false);
    assert.equal(logOf(cli, 'deaf').match(/heard SIGINT/g)?.length, 1);
    assert.match((await cli.run(['ls'])).stdout, /^deaf +stopped$/m);
  });
});

describe('a program that ends by itself', { concurrency: true }, () => {
  it('is started again, by backoff if it never lasts, and never where it is not wanted', async () => {
    await using cli = await openCli();
    cli.write('app.js', crashes);
    cli.write('loops.js', `process.send('ready'); setTimeout(() => process.exit(1), 10)`);
    const env = (index: number) => ({ PORT: String(cli.port + index) });
    const apps = [
      { name: 'single', script: 'app.js', env: env(0), max_memory_restart: '100M', stop_exit_codes: [3] },
      { name: 'several', script: 'app.js', instances: 2, env: env(1), autorestart: false },
      { name: 'loops', script: 'loops.js', wait_ready: true, exp_backoff_restart_delay: 100 },
    ];
    cli.write('apps.json', JSON.stringify({ apps }));
    await cli.ok(['start', 'apps.json']);
    const ask = (index: number, path: string) => fetch({ port: cli.port + index, path }).catch(() => null);

    await ask(0, '/throw');
    const restarted = await eventually('it is back', async () => {
      const [worker] = (await cli.snapshot('single')).workers;
      return worker?.restarts === 1 && worker.state === 'ready' ? worker : null;
    });
    assert.match(restarted.lastExit?.reason ?? '', /crashed/);
    assert.match(logOf(cli, 'single'), /a plain text/);
    await ask(0, '/grow');
    await eventually('it is recycled', async () =>
      (await events(cli, 'single')).some((event) => event.type === 'recycled' && /memory/.test(event.reason)),
    );
    const { pid } = await cli.snapshot('single');
    await eventually('it serves again', async () => (await ask(0, '/'))?.status === 200);
    await ask(0, '/exit/3');
    await eventually('there is nothing left to supervise', () => !isAlive(pid));

    await ask(1, '/exit/1');
    const left = await eventually('one is left', async () => {
      const { workers } = await cli.snapshot('several');
      return workers.filter(({ state }) => state === 'ready').length === 1 ? workers : null;
    });
    assert.deepEqual(
      left.map(({ restarts }) => restarts),
      [0, 0],
    );

    const delays = await eventually('it waits longer and longer', async () => {
      const all = (await events(cli, 'loops')).flatMap((event) =>
        event.type === 'worker-restart' ? [event.delayMs] : [],
      );
      return all.length >= 3 ? all : null;
    });
    const [first = 0, , third = 0] = delays;
    assert.ok(third > first, delays.join());
  });

  it('from the start is told to whoever started it; a supervisor that is killed takes no name with it', async () => {
    await using cli = await openCli();
    cli.write('bad.js', `throw 'a plain text'`);
    cli.write('app.js', crashes);
    const bad = await cli.run(['start', 'bad.js', '-i', '1']);
    assert.equal(bad.code, 3, bad.stderr);
    assert.match(bad.stderr, /a plain text/);
    await cli.ok(['start', 'app.js', '-i', '1', '--orphan', 'drain']);
    const { pid } = await cli.snapshot('app');
    process.kill(pid, 'SIGKILL');
    await eventually('it is gone', () => !isAlive(pid));
    assert.equal((await cli.run(['stop', 'app'])).code, 5);
    await cli.ok(['start', 'app']);
    assert.notEqual((await cli.snapshot('app')).pid, pid);
  });
});
