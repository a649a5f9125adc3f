// What users of PM2 rely on when they read logs and when a program of their own takes part: behaviours 64–69, 71 and 75 of the list in
// docs/from-pm2.md.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { openCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { nodePath, root } from '../../support/rig.ts';

describe('logs', { concurrency: true }, () => {
  it('go where the ecosystem file says: one file, in a folder that is made, as JSON, with times, or nowhere', async () => {
    await using cli = await openCli();
    cli.write(
      'app.js',
      `console.log('to stdout'); console.error('to stderr'); process.on('SIGUSR2', () => console.log('later'));
       setInterval(() => {}, 1e6); process.send('ready')`,
    );
    const common = { script: 'app.js', wait_ready: true };
    const apps = [
      {
        ...common,
        name: 'merged',
        instances: 2,
        out_file: 'new/folder/app.log',
        error_file: 'new/folder/err.log',
        log_type: 'json',
      },
      { ...common, name: 'timed', log_file: 'timed.log', time: true },
      { ...common, name: 'quiet', out_file: '/dev/null', error_file: '/dev/null' },
    ];
    cli.write('apps.json', JSON.stringify({ apps }));
    const { stderr } = await cli.ok(['start', 'apps.json']);
    assert.match(stderr, /^merged: "error_file" in apps\.json: stdout and stderr go to one file, logFile$/m);

    const file = join(cli.dir, 'new/folder/app.log');
    const lines = await eventually('four lines', () => {
      const all = readFileSync(file, 'utf8').trim().split('\n');
      return all.length === 4 ? all : null;
    });
    const records = lines.map((line) => JSON.parse(line) as { slot: number; stream: string; time: string });
    assert.deepEqual(records.map(({ slot, stream }) => `${slot} ${stream}`).sort(), [
      '0 err',
      '0 out',
      '1 err',
      '1 out',
    ]);
    assert.ok(records.every(({ time }) => !Number.isNaN(Date.parse(time))));
    assert.equal(existsSync(join(cli.dir, 'new/folder/err.log')), false);
    const timed = await eventually('the timed lines', () => {
      const all = readFileSync(join(cli.dir, 'timed.log'), 'utf8').trim().split('\n');
      return all.length === 2 ? all : null;
    });
    for (const line of timed) assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z \[0!?\] to std(out|err)$/);
    assert.equal(existsSync(join(cli.home, 'logs/quiet.log')), false);

    const shown = await cli.ok(['logs', 'merged', '--slot', '1']);
    assert.equal(shown.stdout.trim().split('\n').length, 2);
    assert.equal((await cli.ok(['logs', 'merged', '--lines', '0'])).stdout, '');

    const { pid, workers } = await cli.snapshot('merged');
    renameSync(file, `${file}.moved`);
    process.kill(pid, 'SIGUSR1');
    await eventually('the new file', () => existsSync(file));
    process.kill(workers[0]?.pid ?? 0, 'SIGUSR2');
    await eventually('a line in it', () => readFileSync(file, 'utf8').includes('later'));
  });
});

describe('a program of its own', { concurrency: true }, () => {
  it('runs an app without anything in the background, and is seen by the commands in the same home', async () => {
    await using cli = await openCli();
    const library = JSON.stringify(pathToFileURL(join(root, 'dist/index.js')).href);
    cli.write('worker.js', `process.send('ready'); setInterval(() => {}, 1e6)`);
    cli.write(
      'cluster.mjs',
      `import { supervise } from ${library};
       const app = supervise({ entry: 'worker.js', name: 'mine', workers: 1, ready: 'message' });
       const types = new Set();
       app.on('event', ({ type }) => types.add(type));
       await app.ready;
       console.log((await app.recycle()).outcome);
       const { code } = await app.stopped;
       console.log(code, ['worker-ready', 'recycled', 'worker-exit'].every((type) => types.has(type)));`,
    );
    const program = promisify(execFile)(nodePath, ['cluster.mjs'], { cwd: cli.dir, env: cli.environment() });
    await eventually('it is seen', async () => (await cli.snapshot('mine')).state === 'running');
    assert.match((await cli.ok(['ls'])).stdout, /^mine +running +1\/1/m);
    await eventually('it has recycled', async () =>
      (await cli.client('mine').recentEvents()).some(({ event }) => event.type === 'recycled'),
    );
    await cli.ok(['stop', 'mine']);
    assert.equal((await program).stdout, 'done\n0 true\n');
    assert.match((await cli.run(['ls'])).stdout, /^Nothing is running/);
  });
});
