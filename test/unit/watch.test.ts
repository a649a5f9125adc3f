// What the watch sees of real files in a folder of its own.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileWatch, type FileWatchOptions } from '../../src/app/automation/file-watch.ts';
import { LinkWatch } from '../../src/app/automation/link-watch.ts';
import { ownFiles } from '../../src/app/automation/own-files.ts';
import { WatchReloads } from '../../src/app/automation/watch-reloads.ts';
import { eventually } from '../support/eventually.ts';

async function open(t: TestContext, folder: string, options: Partial<FileWatchOptions>) {
  const seen: string[] = [];
  const watch = new FileWatch({
    ...{ what: true, ignore: [], always: [], foreign: join(folder, 'foreign') },
    written: async () => () => false,
    changed: (path) => seen.push(path),
    failed: (reason) => assert.fail(reason),
    ...options,
  });
  t.after(async () => {
    await watch.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { watch, seen };
}

function files(...names: string[]): { folder: string; path: (name: string) => string } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-watch-')));
  const path = (name: string) => join(folder, name);
  for (const name of names) {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), '');
  }
  return { folder, path };
}

test('loaded files count, also those that are loaded later or replaced; others never', async (t) => {
  const { folder, path } = files(
    'a.js',
    'lib/b.js',
    'lib/late.js',
    'lib/other.js',
    'foreign/x.js',
    'node_modules/d/i.js',
  );
  const { watch, seen } = await open(t, folder, {});
  for (const name of ['a.js', 'lib/b.js', 'foreign/x.js', 'node_modules/d/i.js']) watch.loaded(path(name));
  await watch.start();
  for (const name of ['lib/other.js', 'foreign/x.js', 'node_modules/d/i.js', 'a.js']) writeFileSync(path(name), '1');
  await eventually('the first', () => seen.length === 1);
  writeFileSync(path('lib/fresh'), '2');
  renameSync(path('lib/fresh'), path('lib/b.js'));
  await eventually('the replaced one', () => seen.length === 2);
  watch.loaded(path('lib/late.js'));
  let tries = 0;
  await eventually('the late one', () => {
    if (tries++ % 50 === 0) writeFileSync(path('lib/late.js'), String(tries));
    return seen.length >= 3;
  });
  assert.deepEqual([...new Set(seen)], [path('a.js'), path('lib/b.js'), path('lib/late.js')]);
});

test('of named paths everything counts but what is ignored, by folder or by pattern', async (t) => {
  const { folder, path } = files('src/a.js', 'src/deep/run.log', 'src/cache/x', 'src/tmp/deep/y.tmp', 'other.js');
  const ignore = [path('src/*.log'), path('src/cache'), path('src/**/*.tmp')];
  const { watch, seen } = await open(t, folder, { what: [path('src')], ignore });
  await watch.start();
  for (const name of ['src/deep/run.log', 'src/cache/x', 'src/tmp/deep/y.tmp', 'other.js'])
    writeFileSync(path(name), '1');
  writeFileSync(path('src/deep/new.css'), '1');
  await eventually('the new file', () => seen.length === 1);
  rmSync(path('src/a.js'));
  await eventually('the deleted one', () => seen.length === 2);
  assert.deepEqual(seen, [path('src/deep/new.css'), path('src/a.js')]);
});

test('what tutti writes itself never counts: log files with what rotation makes of them, and its state', async (t) => {
  const { folder, path } = files('src/a.js', 'logs/out.log', 'logs/out.log.txt', 'real/far.log', 'home/incidents/x');
  symlinkSync(path('real/far.log'), path('logs/near.log'));
  const written = () => ownFiles([path('logs/out.log'), path('logs/near.log')], { TUTTI_HOME: path('home') });
  const { watch, seen } = await open(t, folder, { what: [folder], written });
  await watch.start();
  for (const name of ['logs/out.log', 'logs/out.log.1', 'logs/out.log.2.gz', 'logs/out.log.1.gz.part', 'real/far.log'])
    writeFileSync(path(name), '1');
  writeFileSync(path('home/incidents/y'), '1');
  writeFileSync(path('logs/out.log.txt'), '1');
  await eventually('what only looks like it', () => seen.length === 1);
  writeFileSync(path('src/a.js'), '1');
  await eventually('the code', () => seen.length === 2);
  assert.deepEqual(seen, [path('logs/out.log.txt'), path('src/a.js')]);
});

test('a link on the way to the entry that is turned elsewhere counts', async (t) => {
  const { folder, path } = files('releases/1/app.js', 'releases/2/app.js', 'releases/1/note');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync('releases/1', path('current'));
  const seen: string[] = [];
  const links = new LinkWatch(path('current/app.js'), (link) => seen.push(link));
  t.after(() => links.close());
  for (const release of [2, 1]) {
    symlinkSync(`releases/${release}`, path('fresh'));
    renameSync(path('fresh'), path('current'));
    await eventually('the turn', () => seen.length === 1);
    assert.deepEqual(seen.splice(0), [path('current')]);
  }
  // As `ln -sfn` does it: away for a moment.
  rmSync(path('current'));
  symlinkSync('releases/2', path('current'));
  await eventually('the turn', () => seen.length === 1);
});

test('a change while workers are replaced waits for the end of that, and many are one', async () => {
  let calls = 0;
  const reloads = new WatchReloads(() => {
    calls += 1;
    return new Promise(() => {});
  });
  const started = { type: 'reload-started', generation: 2, from: 1, kind: 'reload' } as const;
  reloads.changed();
  reloads.event(started);
  for (let i = 0; i < 5; i++) reloads.changed();
  assert.equal(calls, 1);
  reloads.event({ type: 'reload-progress', generation: 2, done: 1, total: 2 });
  assert.equal(calls, 1);
  // All new ones serve; the drain of the old ones is not waited for.
  reloads.event({ type: 'reload-progress', generation: 2, done: 2, total: 2 });
  assert.equal(calls, 2);
  const failed = { type: 'reload-failed', reason: '', lastLines: [], rolledBack: false, degraded: false } as const;
  reloads.event({ ...failed, generation: 2, superseded: true });
  reloads.event({ ...started, generation: 3 });
  reloads.changed();
  assert.equal(calls, 2);
  reloads.event({ ...failed, generation: 3, superseded: false });
  assert.equal(calls, 3);
});

test('a change while an operator reloads waits too, and a refused reload holds up nothing', async () => {
  let calls = 0;
  const reloads = new WatchReloads(() => {
    calls += 1;
    return Promise.resolve();
  });
  reloads.event({ type: 'reload-started', generation: 2, from: 1, kind: 'rollback' });
  reloads.changed();
  assert.equal(calls, 0);
  reloads.event({ type: 'reload-done', generation: 2, ms: 1 });
  assert.equal(calls, 1);
  await Promise.resolve();
  reloads.changed();
  assert.equal(calls, 2);
});
