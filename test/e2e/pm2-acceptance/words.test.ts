// What fingers used to PM2 type, with real processes. That each of its words has an answer is in test/unit/cli/pm2-words.test.ts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';

const says = `console.log('args', ...process.argv.slice(2)); console.error('to stderr');
  process.send('ready'); setInterval(() => {}, 1e6);`;

describe('words of PM2', { concurrency: true }, () => {
  it('start npm -- start runs the program of the script, and a reload reads package.json again', async () => {
    await using cli = await openCli();
    const scripts = (start: string): string => JSON.stringify({ name: 'shop', scripts: { start } });
    cli.write('server.js', says);
    cli.write('package.json', scripts('NODE_ENV=production node --stack-trace-limit=20 server.js one'));
    const flags = ['--instances', '1', '--wait-ready', '--max-restarts', '9'];
    const { stderr } = await cli.ok(['start', 'npm', ...flags, '--', 'start', '--', 'two']);
    assert.match(stderr, /^--max-restarts: has no effect\. /m);
    assert.match((await cli.ok(['logs', '--out', '--raw'])).stdout, /^args one two\n$/);
    if (process.platform === 'linux') {
      const { env } = JSON.parse((await cli.ok(['env', 'shop', '--json'])).stdout) as { env: Record<string, string> };
      assert.equal(env.NODE_ENV, 'production');
      assert.equal(env.TUTTI_BOOT, undefined);
    }
    cli.write('package.json', scripts('node server.js three'));
    await cli.ok(['gracefulReload', 'shop']);
    assert.match((await cli.ok(['logs', 'shop', '-g', '^args three'])).stdout, /args three two\n$/);

    // It is the same app, and as well as ever.
    assert.match((await cli.ok(['show', 'shop'])).stdout, /● ready[\s\S]*No worker of shop has ended badly/);
    const { apps } = JSON.parse((await cli.ok(['jlist'])).stdout) as { apps: { name: string }[] };
    assert.deepEqual(
      apps.map(({ name }) => name),
      ['shop'],
    );

    cli.write('package.json', scripts('node a.js && node b.js'));
    const refused = await cli.run(['reload', 'shop']);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /`node a\.js && node b\.js`, and that is work for a shell/);
    assert.equal((await cli.snapshot('shop')).state, 'running');
  });

  it('startOrReload starts what does not run and reloads what does; logs and flush mean all apps', async () => {
    await using cli = await openCli();
    cli.write('app.js', says);
    const app = (name: string) => ({
      ...{ name, script: 'app.js', args: name, wait_ready: true, env_production: { MODE: 'production' } },
    });
    cli.write('ecosystem.config.js', `module.exports = ${JSON.stringify({ apps: [app('web'), app('mail')] })}`);
    const line = ['startOrReload', 'ecosystem.config.js', '--env', 'production'];
    await cli.ok([...line, '--only', 'web']);
    assert.equal((await cli.snapshot('web')).generation, 1);
    const { stdout } = await cli.ok(line);
    assert.match(stdout, /✔ web: reloaded[\s\S]*✔ mail: started/);
    assert.equal((await cli.snapshot('web')).generation, 2);

    const all = await cli.ok(['logs']);
    assert.match(all.stdout, /\[web 0\] args web\n/);
    assert.match(all.stdout, /\[mail 0!\] to stderr\n/);
    const one = await cli.ok(['logs', 'all', '--err', '--lines', '1', '--json']);
    assert.deepEqual(
      one.stdout
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as { app: string; stream: string })
        .map(({ app, stream }) => [app, stream]),
      [['mail', 'err']],
    );

    const following = cli.begin(['logs', 'all', '-f', '--lines', '0']);
    await cli.ok(['flush', 'all']);
    assert.equal(readFileSync(join(cli.home, 'logs/web.log'), 'utf8'), '');
    await cli.ok(['startOrRestart', 'ecosystem.config.js', '--only=mail']);
    await eventually('the line of the new worker', () => following.stdout().includes('[mail 0] args mail\n'));
    // Its reader goes, as `| head -1` does: it ends with the next line.
    following.process.stdout?.destroy();
    assert.equal((await cli.snapshot('web')).generation, 2);

    await cli.ok(['reload', 'ecosystem.config.js', '--only', 'mail', '--update-env']);
    assert.equal((await following.finished).code, 0);
    assert.equal((await cli.snapshot('mail')).generation, 2);
    assert.equal((await cli.snapshot('web')).generation, 2);
    assert.match((await cli.ok(['start', 'all', '--or-reload'])).stdout, /✔ web: reloaded[\s\S]*✔ mail: reloaded/);
  });

  it('a job is seen to listen nowhere; what failed to start is listed with its log, and starts when it is said how', async () => {
    await using cli = await openCli();
    const job = `console.log('tick'); setInterval(() => {}, 1e6);`;
    cli.write('job.js', job);
    const failed = await cli.run(['start', 'job.js', '-i', '1', '--start-timeout', '6s']);
    assert.equal(failed.code, 3);
    assert.match(failed.stderr, /^job: worker 0 \(pid \d+\) runs, and listens on no port yet; .*--ready started$/m);
    assert.match((await cli.run(['ls'])).stdout, /^job +failed to start +tutti logs job$/m);
    assert.equal((await cli.ok(['logs', 'job', '--raw'])).stdout, 'tick\n');
    await cli.ok(['start', 'job.js', '-i', '1', '--ready', 'started']);
    assert.equal((await cli.snapshot('job')).state, 'running');
    await cli.ok(['delete', 'job']);

    cli.write('ecosystem.config.js', `module.exports = { apps: [{ name: 'queue', script: 'job.js' }] }`);
    const { stderr } = await cli.ok(['start', 'ecosystem.config.js']);
    assert.match(stderr, /^queue: "script" in ecosystem\.config\.js: it opens no port, .*\(ready: "started"\)$/m);
    await cli.ok(['stop', 'queue']);
    // What has run stays startable as it ran.
    cli.write('job.js', `throw new Error('bad deploy')`);
    assert.equal((await cli.run(['start', 'queue'])).code, 3);
    assert.match((await cli.run(['status', 'queue'])).stdout, /failed to start/);
    cli.write('job.js', job);
    await cli.ok(['start', 'queue']);
  });
});
