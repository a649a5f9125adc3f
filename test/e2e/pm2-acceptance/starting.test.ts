// What users of PM2 rely on when they start apps: behaviours 1–12, 17, 18, 51, 52, 54, 56 and 57 of the list in docs/from-pm2.md.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Cli, openCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';
import { binPath } from '../../support/rig.ts';

/** Tells what it runs with, in one file for each worker, and serves nothing. */
const tells = `
const { appendFileSync } = await import('node:fs');
const { env, argv, execArgv } = process;
appendFileSync(env.TELL, JSON.stringify({ env, args: argv.slice(2), execArgv, cwd: process.cwd() }) + '\\n');
setInterval(() => {}, 1e6);
process.send('ready');
`;

interface Told {
  env: Record<string, string>;
  args: string[];
  execArgv: string[];
  cwd: string;
}

function told(cli: Cli, name: string): Told[] {
  const lines = readFileSync(join(cli.dir, `${name}.told`), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as Told);
}

const server = `require('node:http').createServer((_, res) => res.end(String(process.pid))).listen(Number(process.env.PORT))`;

function ecosystem(cli: Cli): object {
  const tell = (name: string) => ({ TELL: join(cli.dir, `${name}.told`) });
  return {
    apps: [
      { name: 'one', script: 'server.js', env: { PORT: cli.port }, canary: 1 },
      { name: 'four', script: 'server.js', instances: 4, exec_mode: 'cluster', env: { PORT: cli.port + 1 } },
      {
        name: 'job',
        script: 'job.mjs',
        cwd: 'jobs',
        args: '--queue "fast lane"',
        node_args: '--max-old-space-size=200',
        instances: 2,
        wait_ready: true,
        instance_var: 'PLACE',
        increment_var: 'NUMBER',
        filter_env: ['SECRET', 'SECRET_*'],
        env: { ...tell('job'), NUMBER: 3000, LEVEL: 'debug', FEATURES: { a: [1] }, NOTHING: null },
        env_production: { LEVEL: 'warn' },
      },
      { name: 'module', script: 'module/index.js', instances: -100, wait_ready: true, env: tell('module') },
    ],
  };
}

describe('an ecosystem file of PM2', { concurrency: true }, () => {
  it('starts as it is: workers, arguments, folder, environment, and what has no effect is said', async () => {
    await using cli = await openCli();
    cli.write('server.js', server);
    for (const folder of ['jobs', 'module']) mkdirSync(join(cli.dir, folder));
    cli.write('jobs/job.mjs', tells);
    cli.write('module/package.json', '{ "type": "module" }');
    cli.write('module/index.js', tells);
    cli.write('ecosystem.config.js', `module.exports = ${JSON.stringify(ecosystem(cli))}`);

    const env = { SECRET: 'x', SECRET_KEY: 'x', KEPT: 'yes' };
    const { stdout, stderr } = await cli.ok(['start', 'ecosystem.config.js', '--env-name', 'production'], { env });
    assert.deepEqual(
      [...stdout.matchAll(/^✔ (\w+): started/gm)].map((match) => match[1]),
      ['one', 'four', 'job', 'module'],
    );
    assert.match(stderr, /^one: "canary" in ecosystem\.config\.js: tutti does not know this key$/m);
    const targets = await Promise.all(['one', 'four', 'job', 'module'].map((name) => cli.snapshot(name)));
    assert.deepEqual(
      targets.map(({ workers }) => [workers.length, ...workers.map(({ restarts }) => restarts)]),
      [
        [1, 0],
        [4, 0, 0, 0, 0],
        [2, 0, 0],
        [1, 0],
      ],
    );
    assert.equal((await fetch({ port: cli.port + 1 })).status, 200);

    const jobs = told(cli, 'job').sort((a, b) => Number(a.env.PLACE) - Number(b.env.PLACE));
    assert.deepEqual(
      jobs.map((job) => [job.env.PLACE, job.env.NUMBER, job.env.LEVEL, job.env.FEATURES]),
      [
        ['0', '3000', 'warn', '{"a":[1]}'],
        ['1', '3001', 'warn', '{"a":[1]}'],
      ],
    );
    const [job] = jobs;
    assert.deepEqual([job?.args, job?.cwd], [['--queue', 'fast lane'], join(cli.dir, 'jobs')]);
    assert.deepEqual(job?.execArgv, ['--max-old-space-size=200']);
    const names = ['SECRET', 'SECRET_KEY', 'NOTHING', 'KEPT'].map((name) => job?.env[name]);
    assert.deepEqual(names, [undefined, undefined, undefined, 'yes']);
    assert.equal(told(cli, 'module')[0]?.env.NODE_APP_INSTANCE, '0');

    const list = await cli.ok(['list']);
    for (const row of [/^one +running +1\/1/m, /^four +running +4\/4/m, /^job +running +2\/2/m]) {
      assert.match(list.stdout, row);
    }
    await cli.ok(['stop', 'ecosystem.config.js', '--fast']);
    assert.match((await cli.run(['ls'])).stdout, /^four +stopped$/m);
    await cli.ok(['start', 'ecosystem.config.js', 'one']);
    const after = JSON.parse((await cli.ok(['ls', '--json'])).stdout) as { apps: { name: string; state: string }[] };
    assert.deepEqual(
      after.apps.filter(({ state }) => state === 'running').map(({ name }) => name),
      ['one'],
    );
  });

  it('is read as JSON, YAML, CommonJS and ES module, and imported for good', async () => {
    await using cli = await openCli();
    cli.write('server.js', server);
    const file = { apps: [{ name: 'web', script: './server.js', instances: 3, kill_timeout: 5000 }] };
    const json = JSON.stringify(file);
    const texts: Record<string, string> = {
      'ecosystem.config.js': `module.exports = ${json}`,
      'apps.json': json,
      'apps.yml': `apps:\n  - name: web\n    script: ./server.js\n    instances: 3\n    kill_timeout: 5000\n`,
      'ecosystem.config.cjs': `module.exports = ${json}`,
      'ecosystem.config.mjs': `export default ${json}`,
    };
    for (const [name, text] of Object.entries(texts)) cli.write(name, text);
    await cli.ok(['import', 'pm2', '--out', 'imported.config.ts']);
    const all = [...Object.keys(texts), 'imported.config.ts'];
    const checked = await Promise.all(all.map((name) => cli.ok(['check', name, '--json', '--values'])));
    for (const { stdout } of checked) {
      const { name, workers, entry, stopTimeoutMs, stopSignal } = JSON.parse(stdout).apps[0].config;
      assert.deepEqual([name, workers, entry], ['web', { min: 3, max: 3 }, join(cli.dir, 'server.js')]);
      assert.deepEqual([stopTimeoutMs, stopSignal], [5000, 'SIGINT']);
    }
    assert.match(readFileSync(join(cli.dir, 'imported.config.ts'), 'utf8'), /^import \{ defineConfig \} from 'tutti';/);
    const again = await cli.run(['import', 'pm2', '--out', 'imported.config.ts']);
    assert.equal(again.code, 6, again.stdout);
    assert.match(again.stderr, /--force/);
    const shown = await cli.ok(['import', 'pm2', 'apps.yml', '--stdout']);
    assert.match(shown.stdout, /workers: 3/);
  });

  it('that is broken, unknown, or only for other interpreters starts nothing', async () => {
    await using cli = await openCli();
    cli.write('server.js', server);
    cli.write('broken.json', '{ "apps": [ }');
    cli.write('other.json', '{ "hello": "world" }');
    cli.write('python.json', '{ "apps": [{ "script": "a.py", "interpreter": "python3" }] }');
    cli.write('cron.json', '{ "apps": [{ "script": "server.js", "cron_restart": "99 * * * *" }] }');
    cli.write('gone.json', '{ "apps": [{ "script": "gone.js" }] }');
    const words = ['broken.json', 'other.json', 'python.json', 'cron.json', 'gone.json', 'missing.js', 'missing.json'];
    const ended = await Promise.all(words.map((word) => cli.run(['start', word])));
    for (const [index, { code, stderr }] of ended.entries()) assert.equal(code, 78, `${words[index]}: ${stderr}`);
    assert.match(ended[2]?.stderr ?? '', /only Node\.js programs are run, not those of python3/);
    assert.match(ended[3]?.stderr ?? '', /must be a cron expression/);
    assert.equal((await cli.run(['import', 'pm2', 'other.json'])).code, 78);
    assert.equal((await cli.run(['import', 'forever'])).code, 64);
    assert.match((await cli.run(['ls'])).stdout, /^Nothing is running/);
  });
});

describe('programs', { concurrency: true }, () => {
  it('start several in one command, as many workers as CPUs, and a program may command others', async () => {
    await using cli = await openCli();
    cli.write('left.js', server);
    cli.write('right.js', server.replace('PORT)', 'PORT) + 1'));
    cli.write(
      'boss.js',
      `const { spawn } = require('node:child_process');
       require('node:http').createServer((_, res) => {
         spawn(process.execPath, [${JSON.stringify(binPath)}, 'reload', 'left'], { stdio: 'ignore' })
           .on('exit', (code) => res.end(String(code)));
       }).listen(Number(process.env.PORT) + 2)`,
    );
    await cli.ok(['start', 'left.js', 'right.js', 'boss.js', '-i', '1', '--canary-time', '0']);
    const before = (await cli.snapshot('right')).workers[0]?.pid;
    assert.equal((await fetch({ port: cli.port + 2 })).body, '0');
    const left = await eventually('it has reloaded', async () => {
      const snapshot = await cli.snapshot('left');
      return snapshot.generation === 2 ? snapshot : null;
    });
    assert.equal(left.workers.length, 1);
    assert.equal((await cli.snapshot('right')).workers[0]?.pid, before);
    const twice = await cli.run(['start', 'left.js']);
    assert.equal(twice.code, 6);
    const { stdout } = await cli.ok(['check', 'left.js', '-i', 'max', '--json', '--values']);
    assert.equal(JSON.parse(stdout).apps[0].config.workers.max, availableParallelism());
    await cli.ok(['start', 'left.js', '-n', 'argued', '--ready', 'started', '-i', '1', '--', 'a b', '--c'], {
      env: { PORT: '0' },
    });
    writeFileSync(join(cli.dir, 'left.js'), `${server} // changed, and the other generation stays`);
    await cli.ok(['stop', 'all', '--fast']);
  });
});
