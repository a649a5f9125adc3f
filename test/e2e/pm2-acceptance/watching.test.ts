// Watch and cron: behaviours 48 and 72 of the list in docs/from-pm2.md.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Cli, openCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';

const generation = async (cli: Cli, name: string) => {
  const { generation, reload } = await cli.snapshot(name);
  return reload.state === 'idle' ? generation : 0;
};

describe('--watch', { concurrency: true }, () => {
  it('reloads without a lost request when a file changes that the app has loaded, and for no other', async () => {
    await using cli = await openCli();
    for (const folder of ['lib', 'node_modules', 'node_modules/dep']) mkdirSync(join(cli.dir, folder));
    const lib = cli.write('lib/answer.mjs', `export const answer = 'one'`);
    const common = cli.write('lib/common.cjs', `module.exports = ''`);
    const foreign = cli.write('node_modules/dep/index.js', `module.exports = ''`);
    const ignored = cli.write('lib/ignored.cjs', `module.exports = ''`);
    const other = cli.write('other.mjs', '');
    cli.write(
      'server.mjs',
      `import { createServer } from 'node:http';
       import { answer } from './lib/answer.mjs';
       import common from './lib/common.cjs';
       import ignored from './lib/ignored.cjs';
       import dep from 'dep';
       createServer((_, response) => response.end(answer + common + ignored + dep)).listen(Number(process.env.PORT));`,
    );
    const options = ['-n', 'web', '-i', '2', '--canary-time', '0', '--watch', '--watch-ignore', 'lib/ignored.cjs'];
    await cli.ok(['start', 'server.mjs', ...options]);
    // Each change is repeated until it is seen: when the start has been told, the watch may not have begun.
    const change = async (what: string, act: () => void) => {
      const before = await generation(cli, 'web');
      let tries = 0;
      await eventually(what, async () => {
        if (tries++ % 100 === 0) act();
        return (await generation(cli, 'web')) > before;
      });
    };
    let lost = 0;
    let stopped = false;
    const asking = (async () => {
      while (!stopped) await fetch({ port: cli.port }).catch(() => lost++);
    })();
    await change('a changed module', () => writeFileSync(lib, `export const answer = 'two'`));
    assert.equal((await fetch({ port: cli.port })).body, 'two');
    await change('a replaced module', () => {
      const fresh = cli.write('lib/fresh', `module.exports = '!'`);
      renameSync(fresh, common);
    });
    assert.equal((await fetch({ port: cli.port })).body, 'two!');
    for (const path of [foreign, ignored, other]) writeFileSync(path, `module.exports = '?'`);
    cli.write('server.log', 'a line');
    await change('a touched module', () => utimesSync(lib, new Date(), new Date(Date.now() + Math.random() * 1e6)));
    stopped = true;
    await asking;
    assert.equal(lost, 0);
    const changes = (await cli.client('web').recentEvents())
      .map(({ event }) => (event.type === 'notice' ? event.message : ''))
      .filter((message) => message.endsWith('changed: reload'));
    assert.ok(
      changes.every((message) => /^lib\/(answer\.mjs|common\.cjs)/.test(message)),
      changes.join('\n'),
    );
  });

  it('of paths that a file names reloads for whatever changes there, until the app stops', async () => {
    await using cli = await openCli();
    for (const folder of ['views', 'views/deep']) mkdirSync(join(cli.dir, folder));
    const view = cli.write('views/deep/page.html', 'one');
    cli.write('views/noise.log', '');
    cli.write('app.js', `process.send('ready'); setInterval(() => {}, 1e6)`);
    const app = { name: 'jobs', script: 'app.js', wait_ready: true, watch: ['views'], ignore_watch: ['views/*.log'] };
    cli.write('ecosystem.config.json', JSON.stringify(app));
    await cli.ok(['start', 'ecosystem.config.json', '--canary-time', '0']);
    let tries = 0;
    await eventually('a change is seen', async () => {
      if (tries++ % 100 === 0) writeFileSync(view, `two ${tries}`);
      return (await generation(cli, 'jobs')) > 1;
    });
    const before = await generation(cli, 'jobs');
    cli.write('views/noise.log', 'a line');
    rmSync(view);
    await eventually('what is deleted is a change', async () => (await generation(cli, 'jobs')) > before);
    const told = (await cli.client('jobs').recentEvents())
      .map(({ event }) => (event.type === 'notice' ? event.message : ''))
      .join('\n');
    assert.doesNotMatch(told, /noise/);
  });
});

describe('--cron', { concurrency: true }, () => {
  it('recycles every worker, also after a reload', async () => {
    await using cli = await openCli();
    cli.write('app.js', `process.send('ready'); setInterval(() => {}, 1e6)`);
    const options = ['-n', 'jobs', '-i', '2', '--ready', 'message', '--canary-time', '0', '--cron', '*/2 * * * * *'];
    await cli.ok(['start', 'app.js', ...options]);
    const recycled = async () =>
      (await cli.client('jobs').recentEvents()).filter(
        ({ event }) => event.type === 'recycled' && event.reason === 'cron',
      );
    await eventually('both are recycled', async () => (await recycled()).length >= 2);
    await eventually('a reload is done', async () => (await cli.run(['reload', 'jobs'])).code === 0);
    const before = (await recycled()).length;
    await eventually('both are recycled again', async () => (await recycled()).length >= before + 2);
  });
});
