// Promise: the path of a log file is followed to the file that is really written, and a descriptor is known for one under any of its names.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFolder, placeOf } from '../../../src/logs/workers/log-place.ts';

const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-place-')));
after(() => rmSync(dir, { recursive: true }));
const at = (...names: string[]): string => join(dir, ...names);

mkdirSync(at('real'));
writeFileSync(at('real/app.log'), '');
symlinkSync(at('real'), at('folder'));
symlinkSync('real/app.log', at('relative'));
symlinkSync(at('relative'), at('twice'));
symlinkSync(at('real/absent.log'), at('dangling'));
symlinkSync('/dev/stdout', at('stdout'));
symlinkSync('/dev/fd', at('descriptors'));
symlinkSync('loop-b', at('loop-a'));
symlinkSync('loop-a', at('loop-b'));

test('links of files and of folders are followed, to where there is nothing yet too', async () => {
  for (const [path, expected] of [
    ['real/app.log', 'real/app.log'],
    ['folder/app.log', 'real/app.log'],
    ['folder/new.log', 'real/new.log'],
    ['relative', 'real/app.log'],
    ['twice', 'real/app.log'],
    ['dangling', 'real/absent.log'],
    ['absent/new.log', 'absent/new.log'],
    ['real/../real/./app.log', 'real/app.log'],
  ] as const) {
    assert.deepEqual(await placeOf(at(path)), { path: at(expected), descriptor: null }, path);
  }
});

test('a descriptor has many names', async () => {
  for (const [path, descriptor] of [
    ['/dev/stdin', 0],
    ['/dev/stdout', 1],
    ['/dev/stderr', 2],
    ['/dev/fd/7', 7],
    ['/proc/self/fd/12', 12],
    [`/proc/${process.pid}/fd/3`, 3],
    [`/proc/${process.pid}/task/${process.pid}/fd/3`, 3],
    ['/proc/thread-self/fd/4', 4],
    ['/proc/1/fd/1', process.pid === 1 ? 1 : 'foreign'],
    ['/proc/1/task/1/fd/1', process.pid === 1 ? 1 : 'foreign'],
    [at('stdout'), 1],
    [at('descriptors/2'), 2],
  ] as const) {
    assert.equal((await placeOf(path)).descriptor, descriptor, path);
  }
});

test('what only looks like a descriptor is a file', async () => {
  for (const path of ['/dev/null', '/dev/stdoutx', at('fd/1'), at('dev/stdout'), '/proc/self/fd']) {
    assert.equal((await placeOf(path)).descriptor, null, path);
  }
});

test('links in a circle come to an end', async () => {
  const { descriptor } = await placeOf(at('loop-a'));
  assert.equal(descriptor, null);
});

test('a folder is made with all above it, for its user and group alone, and may be there', async () => {
  const before = process.umask(0);
  try {
    await makeFolder(at('a/b/c'));
    await makeFolder(at('a/b/c'));
  } finally {
    process.umask(before);
  }
  for (const path of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(at(path)).mode & 0o777, 0o750, path);
});

test('a folder that cannot be made says why, also where making it would never end', async () => {
  await assert.rejects(makeFolder(at('real/app.log/below')), { code: 'ENOTDIR' });
  await assert.rejects(makeFolder('/proc/tutti/below'), (error: NodeJS.ErrnoException) =>
    ['ENOENT', 'EACCES', 'EPERM'].includes(error.code ?? ''),
  );
});
