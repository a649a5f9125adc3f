// Which code runs when: releases behind a symbolic link, files overwritten in place, the way back.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { isAlive } from '../support/processes.ts';
import { startSupervised } from '../support/supervised.ts';

function server(version: string, extra = ''): string {
  return `
    const { version } = require('./version.js');
    ${extra}
    require('node:http').createServer((_, answer) => {
      answer.setHeader('x-pid', process.pid);
      answer.end(JSON.stringify({ version, cwd: process.cwd(), level: process.env.LEVEL }));
    }).listen(0, '127.0.0.1');
    // ${version}
  `;
}

/** releases/<name> with a server of that version, and `current`, a symbolic link to the first. */
function releases(t: TestContext, ...names: string[]): { top: string; current: string; use(name: string): void } {
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'releases-')));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const current = join(top, 'current');
  const use = (name: string) => {
    symlinkSync(join('releases', name), join(top, 'next'));
    renameSync(join(top, 'next'), current);
  };
  for (const name of names) write(join(top, 'releases', name), name);
  use(names[0] as string);
  return { top, current, use };
}

function write(folder: string, version: string, extra = ''): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'server.js'), server(version, extra));
  writeFileSync(join(folder, 'version.js'), `exports.version = ${JSON.stringify(version)};`);
}

/** What a new connection is answered, by whichever worker takes it. */
async function answer(port: number): Promise<{ version: string; cwd: string; level?: string; pid: number }> {
  const { body, pid } = await fetch({ port });
  return { ...(JSON.parse(body) as { version: string; cwd: string; level?: string }), pid };
}

test('a worker that dies after the link has moved comes back with the old code, until a reload', async (t) => {
  const { top, current, use } = releases(t, 'one', 'two');
  const { app, port, pids } = await startSupervised(t, { entry: join(current, 'server.js'), cwd: current, workers: 1 });
  assert.equal((await answer(port())).version, 'one');

  use('two');
  const [victim] = pids();
  process.kill(victim as number, 'SIGKILL');
  await eventually('the victim to be replaced', () => pids()[0] !== victim && pids().length === 1);
  const respawned = await answer(port());
  assert.deepEqual([respawned.version, respawned.cwd], ['one', join(top, 'releases/one')]);

  assert.deepEqual(await app.reload(), { outcome: 'done', generation: 2 });
  const reloaded = await answer(port());
  assert.deepEqual([reloaded.version, reloaded.cwd], ['two', join(top, 'releases/two')]);

  assert.equal((await app.rollback()).outcome, 'done');
  assert.equal((await answer(port())).version, 'one');
  assert.equal(app.snapshot().entry, join(top, 'releases/one/server.js'));
  // Scaling uses the code that runs, not the code that the link means.
  await app.scale(2);
  for (let i = 0; i < 10; i++) assert.equal((await answer(port())).version, 'one');
});

test('a broken release changes nothing, and the old one lives on', async (t) => {
  const { top, current, use } = releases(t, 'one', 'broken');
  write(join(top, 'releases/broken'), 'broken', 'console.error("cannot find the settings"); throw new Error("boom");');
  const { app, port, pids } = await startSupervised(t, { entry: join(current, 'server.js') });
  const before = pids();
  use('broken');
  const result = await app.reload();
  assert.equal(result.outcome, 'failed');
  assert.ok('lastLines' in result && result.lastLines.join('\n').includes('cannot find the settings'), String(result));
  assert.deepEqual(pids(), before);
  process.kill(before[0] as number, 'SIGKILL');
  await eventually('two workers', () => pids().length === 2 && pids().every(isAlive));
  for (let i = 0; i < 10; i++) assert.equal((await answer(port())).version, 'one');

  rmSync(join(top, 'releases/broken'), { recursive: true });
  const missing = await app.reload();
  assert.equal(missing.outcome, 'failed');
  assert.match('reason' in missing ? missing.reason : '', /there is no/);
});

test('the environment file is read by a reload, and the way back restores what it was', async (t) => {
  const { top, current } = releases(t, 'one');
  const envFile = join(top, 'app.env');
  writeFileSync(envFile, 'LEVEL=low');
  const { app, port } = await startSupervised(t, { entry: join(current, 'server.js'), workers: 1, envFile: [envFile] });
  assert.equal((await answer(port())).level, 'low');
  writeFileSync(envFile, 'LEVEL=high');
  await app.recycle();
  assert.equal((await answer(port())).level, 'low');
  await app.reload();
  assert.equal((await answer(port())).level, 'high');
  await app.rollback();
  assert.equal((await answer(port())).level, 'low');
});

test('files overwritten in place: living workers stay, the result says what is gone, the next good reload cures it', async (t) => {
  const { top, current } = releases(t, 'one');
  const folder = join(top, 'releases/one');
  const { app, events, port, pids } = await startSupervised(t, { entry: join(current, 'server.js') });
  const before = pids();
  write(folder, 'two', 'throw new Error("boom");');

  const recycled = await app.recycle();
  assert.equal(recycled.outcome, 'refused', JSON.stringify(recycled));
  const scaled = await app.scale(3);
  assert.notEqual(scaled.outcome, 'done', JSON.stringify(scaled));
  assert.deepEqual(pids(), before);

  const result = await app.reload();
  assert.ok(result.outcome === 'failed', JSON.stringify(result));
  assert.equal(result.standing?.old, 2);
  assert.match(result.standing?.warning ?? '', /overwritten on disk/);
  assert.deepEqual(pids(), before);
  assert.ok(before.every(isAlive));
  assert.equal((await answer(port())).version, 'one');

  // One that is lost cannot come back: its code is gone. It is tried again, and the next good reload brings it.
  process.kill(before[0] as number, 'SIGKILL');
  await eventually('a restart that says it is mixed', () =>
    events.some((event) => event.type === 'worker-restart' && event.mixed),
  );
  assert.ok(isAlive(before[1] as number));
  write(folder, 'three');
  assert.equal((await app.reload()).outcome, 'done');
  // The third was only waiting for code that can be trusted.
  assert.equal(pids().length, 3);
  for (let i = 0; i < 10; i++) assert.equal((await answer(port())).version, 'three');
  const back = await app.rollback();
  assert.equal(back.outcome, 'failed');
  assert.match('reason' in back ? back.reason : '', /overwritten/);
});
