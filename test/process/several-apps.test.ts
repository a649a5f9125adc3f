// `tutti run` with a file of several apps: one supervisor each, one foreground that ends as they do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cli, openCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { freePort } from '../support/free-port.ts';
import { isAlive } from '../support/processes.ts';

async function twoApps(cli: Cli, web: object = {}, mail: object = {}): Promise<{ web: number; mail: number }> {
  const ports = { web: cli.port, mail: await freePort() };
  const app = (name: 'web' | 'mail', more: object) => ({
    ...{ name, entry: cli.fixture('hello.cjs'), workers: 1, env: { PORT: String(ports[name]) } },
    ...more,
  });
  cli.write('tutti.config.json', JSON.stringify({ apps: [app('web', web), app('mail', mail)] }));
  return ports;
}

const answers = async (...ports: number[]) =>
  (await Promise.all(ports.map((port) => fetch({ port })))).every(({ status }) => status === 200);

test('each app has its supervisor; one that is not required may end, one that is ends all with its exit code', async () => {
  await using cli = await openCli();
  const ports = await twoApps(cli, {}, { required: false });
  const all = cli.begin(['run', '--drain-timeout', '2s']);
  await eventually('both apps to answer', () => answers(ports.web, ports.mail));
  assert.notEqual((await cli.snapshot('web')).pid, (await cli.snapshot('mail')).pid);
  await cli.ok(['stop', 'mail']);
  assert.ok(await answers(ports.web));
  await cli.ok(['stop', 'web']);
  const { code, stderr } = await all.finished;
  assert.equal(code, 0);
  assert.match(stderr, /^tutti: web, mail: 2 apps/m);
  assert.match(stderr, /^web \| tutti: ready: http/m);
  assert.match(stderr, /^tutti: mail ended with exit code 0; it is not required, so the others go on$/m);
});

test('an app that cannot start ends the others, in order, and its exit code is that of all', async () => {
  await using cli = await openCli();
  await twoApps(cli, {}, { entry: cli.fixture('throws-on-boot.cjs') });
  const { code, stderr } = await cli.run(['run']);
  assert.equal(code, 3);
  assert.match(stderr, /^tutti: mail ended with exit code 3: the others end too$/m);
});

test('a signal reaches every app once, JSON is left as it is, and the end is theirs', async () => {
  await using cli = await openCli();
  const ports = await twoApps(cli);
  const all = cli.begin(['run', 'tutti.config.json', '--json']);
  await eventually('both apps to answer', () => answers(ports.web, ports.mail));
  all.process.kill('SIGINT');
  const { code, stderr } = await all.finished;
  assert.equal(code, 0);
  const lines = stderr.trim().split('\n');
  const stops = lines
    .map((line) => JSON.parse(line))
    .filter(({ type, state }) => type === 'state' && state === 'stopping');
  assert.deepEqual(stops.map(({ app, reason }) => `${app} ${reason}`).sort(), ['mail SIGINT', 'web SIGINT']);
});

test('when the foreground is killed, its supervisors end in order', async () => {
  await using cli = await openCli();
  const ports = await twoApps(cli);
  const all = cli.begin(['run']);
  await eventually('both apps to answer', () => answers(ports.web, ports.mail));
  const pids = [(await cli.snapshot('web')).pid, (await cli.snapshot('mail')).pid];
  all.process.kill('SIGKILL');
  await eventually('the supervisors to end', () => !pids.some(isAlive));
});

test('what is wrong with any of them is told before one starts', async () => {
  await using cli = await openCli();
  await twoApps(cli, { workers: 'many' }, { entry: 'nowhere.js', required: 'perhaps' });
  const { code, stderr } = await cli.run(['run']);
  assert.equal(code, 78);
  assert.match(stderr, /apps\[0\]\.workers must be/);
  assert.match(stderr, /apps\[1\]\.required must be/);
});
