// supervise() as a program uses it, against real workers.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type SuperviseOptions, supervise, TuttiError } from '../../dist/index.js';
import { eventually, within } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { isAlive, processesBelow } from '../support/processes.ts';
import { fixture, startSupervised } from '../support/supervised.ts';

const hello = fixture('hello.cjs');

test('the handle starts, reloads, rolls back, scales, recycles and stops, and tells of it', async (t) => {
  const { app, events, port, pids } = await startSupervised(t, { name: 'shop' });
  const iterated: string[] = [];
  const iteration = (async () => {
    for await (const event of app) iterated.push(event.type);
  })();
  assert.equal(app.name, 'shop');
  const first = app.snapshot();
  assert.deepEqual([first.schema, first.state, first.target, first.generation], [1, 'running', 2, 1]);
  assert.ok(
    first.workers.every(({ pid, state, pssBytes }) => pid !== null && state === 'ready' && (pssBytes ?? 1) > 0),
  );
  const seen = new Set<number>();
  await eventually('both workers to answer', async () => {
    seen.add((await fetch({ port: port() })).pid);
    return seen.size === 2;
  });

  const before = pids();
  assert.deepEqual(await app.reload(), { outcome: 'done', generation: 2 });
  assert.ok(before.every((pid) => !isAlive(pid)));
  assert.equal((await app.rollback()).outcome, 'done');
  assert.equal(app.snapshot().generation, 3);
  assert.equal((await app.scale(3)).outcome, 'done');
  assert.equal((await app.scale({ by: -2 })).outcome, 'done');
  assert.equal(pids().length, 1);
  const [old] = pids();
  assert.equal((await app.recycle(0)).outcome, 'done');
  assert.notEqual(pids()[0], old);
  assert.equal((await fetch({ port: port() })).status, 200);

  assert.equal((await app.stop()).outcome, 'done');
  assert.deepEqual((await within('the end', app.stopped)).code, 0);
  await within('the iteration to end', iteration);
  assert.ok(iterated.includes('reload-done') && iterated.at(-1) === 'state');
  assert.ok(events.every(({ at }) => at === new Date(at).toISOString()));
  assert.equal((await app.reload()).outcome, 'refused');
  assert.equal(app.snapshot().state, 'stopped');
  assert.equal(processesBelow(process.pid).filter(({ command }) => command.includes('hello.cjs')).length, 0);
});

test('listeners hear the events of one type, or all of them, until they are taken off', async (t) => {
  const { app } = await startSupervised(t, { workers: 1 });
  const heard: string[] = [];
  const scaled = ({ from, to }: { from: number; to: number }) => heard.push(`${from} to ${to}`);
  let all = 0;
  app.on('scaled', scaled).on('event', () => {
    all += 1;
  });
  app.once('worker-ready', ({ slot }) => heard.push(`slot ${slot}`));
  await app.scale(3);
  app.off('scaled', scaled);
  await app.scale(1);
  assert.equal(heard.length, 2);
  assert.ok(heard.includes('1 to 3'), heard.join());
  assert.ok(all > 4);
});

test('what cannot be used is thrown at once, with the remedy', () => {
  assert.throws(
    () => supervise({ entry: 'missing.js' }),
    (error) => error instanceof TuttiError && error.code === 'ERR_ENTRY_NOT_FOUND' && error.remedy !== '',
  );
  // Two at once, and both are told.
  const wrong = { entry: hello, workers: -1, drainTimeout: 'soon' } as unknown as SuperviseOptions;
  assert.throws(
    () => supervise(wrong),
    (error) => error instanceof TuttiError && /workers[\s\S]*drainTimeout/.test(error.message),
  );
});

test('an app that never becomes ready ends with the reason and the last lines of its stderr', async () => {
  const app = supervise({ entry: fixture('throws-on-boot.cjs'), workers: 1 });
  await assert.rejects(
    within('the verdict', app.ready),
    (error) => error instanceof TuttiError && error.code === 'ERR_NEVER_READY' && /Error/.test(error.message),
  );
  assert.equal((await app.stopped).code, 3);
});

test('a port that another program has is told as such', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const port = String((other.address() as { port: number }).port);
  const app = supervise({ entry: hello, workers: 1, env: { PORT: port, HOST: '127.0.0.1' } });
  await assert.rejects(
    within('the verdict', app.ready),
    (error) => error instanceof TuttiError && error.code === 'ERR_PORT_IN_USE' && error.message.includes(port),
  );
  assert.equal((await app.stopped).code, 69);
});

test('it can be stopped before it is ready', async () => {
  const app = supervise({ entry: fixture('never-listens.cjs'), workers: 2 });
  assert.equal((await within('the stop', app.stop())).outcome, 'done');
  assert.equal((await app.stopped).code, 0);
  await assert.rejects(app.ready, /stopped before it was ready/);
});

test('two apps live side by side in one program, and settings of its own cluster are left alone', async (t) => {
  cluster.setupPrimary({ exec: '/nowhere.js', execArgv: ['--no-deprecation'] });
  const settings = { ...cluster.settings };
  const [one, two] = await Promise.all([
    startSupervised(t, { name: 'one', args: ['first'] }),
    startSupervised(t, { name: 'two', workers: 1, args: ['second'] }),
  ]);
  await Promise.all([one.app.reload(), two.app.reload()]);
  assert.equal((await fetch({ port: one.port() })).status, 200);
  assert.equal((await fetch({ port: two.port() })).status, 200);
  assert.notEqual(one.port(), two.port());
  assert.deepEqual({ ...cluster.settings }, settings);
  await one.app.stop();
  assert.equal((await fetch({ port: two.port() })).status, 200);
});

test('a listener may give commands', async (t) => {
  const { app } = await startSupervised(t, { workers: 1 });
  app.on('event', (event) => {
    if (event.type === 'scaled') void app.stop();
  });
  void app.scale(2);
  assert.equal((await within('the stop', app.stopped)).code, 0);
});

test('a program that supervises is not supervised itself', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'library-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const entry = join(folder, 'nested.mjs');
  const library = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href);
  writeFileSync(entry, `import { supervise } from ${library}; supervise({ entry: ${JSON.stringify(hello)} });`);
  const app = supervise({ entry, workers: 1, control: false });
  await assert.rejects(within('the verdict', app.ready), /workers cannot have workers of their own/);
  await app.stopped;
});

test('a program that only supervises ends by itself, without handlers of signals and without process.exit', async () => {
  const program = `
    import { supervise } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const app = supervise({ entry: ${JSON.stringify(hello)}, workers: 2, env: { PORT: '0' } });
    await app.ready;
    const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'].map((name) => process.listenerCount(name));
    await app.stop();
    console.log(JSON.stringify(signals));
  `;
  const primary = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  primary.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = (await within('the program to end', once(primary, 'close'))) as [number];
  assert.deepEqual([code, output.trim()], [0, '[0,0,0,0]']);
});

test('reloads leave nothing behind in the primary', async (t) => {
  const { app } = await startSupervised(t, { probe: '/' });
  const count = () => ({
    files: readdirSync('/proc/self/fd').length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    workers: Object.keys(cluster.workers ?? {}).length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    processes: processesBelow(process.pid).length,
    scratch: readdirSync(tmpdir()).filter((name) => /^tutti-\d+-(\d+)-/.exec(name)?.[1] === String(process.pid)).length,
  });
  await app.reload();
  await eventually('the guardian', () =>
    processesBelow(process.pid).some(({ command }) => command.includes('tutti-guardian')),
  );
  // What has ended is still being tidied up for a moment.
  let last = '';
  const before = await eventually(
    'a quiet moment',
    () => {
      const now = count();
      const quiet = JSON.stringify(now) === last;
      last = JSON.stringify(now);
      return quiet ? now : null;
    },
    { everyMs: 500 },
  );
  for (let i = 0; i < 10; i++) assert.equal((await app.reload()).outcome, 'done');
  await eventually('the same counts as before', () => JSON.stringify(count()) === JSON.stringify(before)).catch(() =>
    assert.deepEqual(count(), before),
  );
});

test('a process that cannot be started is a failure with its explanation, and it is tried again', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'library-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const cwd = join(folder, 'cwd');
  mkdirSync(cwd);
  const { app, events, pids } = await startSupervised(t, { workers: 1, cwd });
  const [victim] = pids();
  rmSync(cwd, { recursive: true });
  process.kill(victim as number, 'SIGKILL');
  const failure = await eventually('the failed start', () =>
    events.find((event) => event.type === 'worker-exit' && event.pid === null),
  );
  assert.match(failure.type === 'worker-exit' ? failure.detail : '', /does not exist/);
  mkdirSync(cwd);
  await eventually('a worker again', () => app.snapshot().workers.some(({ state }) => state === 'ready'));
});

test('nodeArgs reach the workers, each with an inspector port of its own, and the primary keeps its own', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'library-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const entry = join(folder, 'inspected.cjs');
  writeFileSync(
    entry,
    `require('http').createServer((_, answer) => answer.end(JSON.stringify({
       port: process.debugPort, execArgv: process.execArgv, slot: process.env.TUTTI_SLOT, app: process.env.TUTTI_APP,
       instance: process.env.NODE_APP_INSTANCE, boot: process.env.TUTTI_BOOT }))).listen(0)`,
  );
  const nodeArgs = ['--inspect=127.0.0.1:29229', '--no-deprecation'];
  const { port } = await startSupervised(t, { entry, nodeArgs, name: 'inspected' });
  const answers = new Map<string, Record<string, unknown>>();
  await eventually('both workers to answer', async () => {
    const { body } = await fetch({ port: port() });
    const answer = JSON.parse(body) as Record<string, unknown>;
    answers.set(String(answer.slot), answer);
    return answers.size === 2;
  });
  assert.deepEqual([...answers.values()].map(({ port }) => port).sort(), [29229, 29230]);
  for (const [slot, { app, instance, boot, execArgv }] of answers) {
    assert.deepEqual([app, instance, boot], ['inspected', slot, undefined]);
    assert.deepEqual(execArgv, nodeArgs);
  }
});
