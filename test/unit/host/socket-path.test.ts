// Promise: the file by which clients find a unix socket stays as long as a worker listens, and a file of somebody else's is never touched.

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { SocketPath } from '../../../src/host/sockets/socket-path.ts';

let dir = '';
let path = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tutti-path-'));
  path = join(dir, 'web.sock');
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What matters is the inode: any file stands for a socket. */
function bound(text = 'ours'): SocketPath {
  writeFileSync(path, text);
  return new SocketPath(path);
}

const files = (): string[] => readdirSync(dir).sort();

test('a path that a program removed is put back, and is the same file', () => {
  const kept = bound();
  const { ino } = statSync(path);
  unlinkSync(path);
  kept.restore();
  assert.equal(statSync(path).ino, ino);
});

test('a path that is still there, or that another program has taken, is left alone', () => {
  const kept = bound();
  kept.restore();
  assert.equal(readFileSync(path, 'utf8'), 'ours');
  unlinkSync(path);
  writeFileSync(path, 'theirs');
  kept.restore();
  assert.equal(readFileSync(path, 'utf8'), 'theirs');
});

test('at the end both names go, and nothing else is left', () => {
  const kept = bound();
  assert.equal(files().length, 2);
  kept.remove();
  assert.deepEqual(files(), []);
  kept.restore();
  assert.deepEqual(files(), [], 'and it does not come back');
});

test('at the end a path that another program has taken stays', () => {
  const kept = bound();
  unlinkSync(path);
  writeFileSync(path, 'theirs');
  kept.remove();
  assert.deepEqual(files(), ['web.sock']);
  assert.equal(readFileSync(path, 'utf8'), 'theirs');
});

test('whoever bound the path keeps it when it is released', () => {
  const kept = bound();
  kept.release();
  assert.deepEqual(files(), ['web.sock']);
  kept.release();
  kept.restore();
  assert.deepEqual(files(), ['web.sock']);
});

test('a second name that one left behind which was killed is replaced', () => {
  bound('old');
  unlinkSync(path);
  const kept = bound('new');
  unlinkSync(path);
  kept.restore();
  assert.equal(readFileSync(path, 'utf8'), 'new');
});

test('the second name that a later one has made is not removed by an earlier one', () => {
  const earlier = bound('old');
  unlinkSync(path);
  const later = bound('new');
  earlier.remove();
  unlinkSync(path);
  later.restore();
  assert.equal(readFileSync(path, 'utf8'), 'new');
});

test('where nothing is bound, and where nothing can be linked, nothing is done', () => {
  const absent = new SocketPath(join(dir, 'absent/web.sock'));
  absent.restore();
  absent.remove();
  assert.deepEqual(files(), []);
  const folder = new SocketPath(dir); // a folder has no second name
  folder.remove();
  assert.equal(existsSync(dir), true);
});
