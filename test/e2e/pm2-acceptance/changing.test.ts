// What users of PM2 rely on when they stop, restart, delete, reload and scale apps: behaviours 14, 19–24, 27–30, 32–35, 49, 50, 53,
// 55 and 58 of the list in docs/from-pm2.md.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { controlPaths } from '../../../src/files/state-folder.ts';
import { type Cli, openCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';

/** Serves nothing; says that it is ready, and writes what happens to it. */
const job = `
const { appendFileSync } = require('node:fs');
const say = (what) => appendFileSync(process.env.SAID, what + '\\n');
say(['begin', process.env.NODE_APP_INSTANCE, process.env.LEVEL, process.argv.slice(2)].join(' '));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { say(signal); process.exit(0); });
if (process.env.LEVEL !== 'mute') setTimeout(() => process.send('ready'), 50);
setInterval(() => {}, 1e6);
`;

const said = (cli: Cli, name: string) => readFileSync(join(cli.dir, name), 'utf8').trim().split('\n');
const pids = async (cli: Cli, name: string) => (await cli.snapshot(name)).workers.map(({ pid }) => pid);

function write(cli: Cli, more: object = {}): void {
  const app = (name: string, instances: number, others: object = {}) => {
    const env = { SAID: join(cli.dir, `${name}.said`), LEVEL: 'debug', ...others };
    return { name, script: 'job.js', instances, wait_ready: true, listen_timeout: 20_000, env };
  };
  const apps = [{ ...app('jobs', 2), ...more }, app('other', 1)];
  cli.write('ecosystem.config.json', JSON.stringify({ apps }));
}

describe('apps that run', { concurrency: true }, () => {
  it('are reloaded one worker after the other, told once to end, and keep or change what they run with', async () => {
    await using cli = await openCli();
    cli.write('job.js', job);
    write(cli);
    const env = { INHERITED: 'first' };
    await cli.ok(['start', 'ecosystem.config.json', '--canary-time', '0'], { env });
    const [jobs, other] = await Promise.all([pids(cli, 'jobs'), pids(cli, 'other')]);

    const began = performance.now();
    await cli.ok(['reload', 'jobs'], { env: { INHERITED: 'second' } });
    assert.ok(performance.now() - began < 15_000, 'each old worker leaves as soon as its successor has said ready');
    const reloaded = await pids(cli, 'jobs');
    assert.equal(reloaded.length, 2);
    assert.deepEqual(
      reloaded.filter((pid) => jobs.includes(pid)),
      [],
    );
    assert.deepEqual(await pids(cli, 'other'), other);
    assert.equal(said(cli, 'jobs.said').filter((line) => line === 'SIGINT').length, 2);
    assert.equal(said(cli, 'jobs.said').filter((line) => line === 'SIGTERM').length, 0);
    const environment = (pid: number | null | undefined) => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    assert.ok(environment(reloaded[0]).includes('INHERITED=first'));

    write(cli, { args: 'new words', env: { SAID: join(cli.dir, 'jobs.said'), LEVEL: 'warn' } });
    await cli.ok(['reload', 'ecosystem.config.json']);
    assert.ok(said(cli, 'jobs.said').includes('begin 1 warn new,words'));
    assert.notDeepEqual(await pids(cli, 'other'), other);

    write(cli, { listen_timeout: 3000, env: { SAID: join(cli.dir, 'jobs.said'), LEVEL: 'mute' } });
    const mute = cli.begin(['reload', 'jobs']);
    await eventually('the new one is starting', async () => {
      const { workers } = await cli.snapshot('jobs');
      return workers.some(({ generation, state }) => generation === 4 && state === 'starting');
    });
    const { code, stderr } = await mute.finished;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /reload refused, nothing changed/);
    assert.equal((await cli.snapshot('jobs')).generation, 3);

    await cli.ok(['scale', 'jobs', '4']);
    await cli.ok(['scale', 'jobs', '4']);
    await cli.ok(['scale', 'jobs', '1']);
    await cli.ok(['scale', 'jobs', '+1']);
    const lines = said(cli, 'jobs.said').filter((line) => line.startsWith('begin') && line.includes('warn'));
    assert.deepEqual(lines.map((line) => line.split(' ')[1]).sort(), ['0', '1', '1', '2', '3']);
    assert.deepEqual(
      (await cli.snapshot('jobs')).workers.map(({ slot }) => slot),
      [0, 1],
    );

    write(cli);
    await cli.ok(['restart', 'jobs', '--fast'], { env: { INHERITED: 'third' } });
    assert.ok(environment((await pids(cli, 'jobs'))[0]).includes('INHERITED=third'));
    assert.equal((await cli.snapshot('jobs')).workers.length, 2);
  });

  it('are stopped, listed, started again by name, and forgotten; unknown ones are told', async () => {
    await using cli = await openCli();
    cli.write('job.js', job);
    write(cli);
    await cli.ok(['start', 'ecosystem.config.json']);
    await cli.ok(['stop', 'jobs']);
    assert.equal(existsSync(controlPaths(cli.home, 'jobs').socket), false);
    assert.match((await cli.ok(['ls'])).stdout, /^jobs +stopped$/m);
    await cli.ok(['restart', 'jobs']);
    const { workers } = await cli.snapshot('jobs');
    assert.deepEqual(
      workers.map(({ restarts }) => restarts),
      [0, 0],
    );
    assert.equal((await cli.run(['start', 'jobs'])).code, 6);
    const commands = ['stop', 'restart', 'reload', 'delete', 'describe', 'logs', 'status', 'recycle', 'rollback'];
    const ended = await Promise.all(commands.map((command) => cli.run([command, 'nobody'])));
    for (const [index, { code, stderr }] of ended.entries()) assert.equal(code, 5, `${commands[index]}: ${stderr}`);
    assert.equal((await cli.run(['scale', 'nobody', '2'])).code, 5);
    await cli.ok(['del', 'jobs', 'other']);
    assert.match((await cli.run(['ls'])).stdout, /^Nothing is running/);
    assert.equal((await cli.run(['start', 'jobs'])).code, 78);
  });
});
