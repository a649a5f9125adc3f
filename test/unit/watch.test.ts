// What the watch sees of real files in a folder of its own.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileWatch, type FileWatchOptions } from '../../src/watch.ts';
import { eventually } from '../support/eventually.ts';

async function open(t: TestContext, folder: string, options: Partial<FileWatchOptions>) {
  const seen: string[] = [];
  const watch = new FileWatch({
    ...{ what: true, ignore: [], always: [], foreign: join(folder, 'foreign') },
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
