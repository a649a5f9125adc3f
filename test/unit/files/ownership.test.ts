// Who could change a file or a folder, on a real disk. What needs another user is skipped where the tests are not root's.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  folderProblem,
  foreignHand,
  makeFolder,
  namesIfAny,
  namesIn,
  openOwn,
  readOwn,
  whoElse,
} from '../../../src/files/ownership.ts';

const me = process.getuid?.() ?? 0;
const OTHER = 12_345;
const asRoot = { skip: me !== 0 };

function folder(t: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-own-')));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('who else may write: another owner, everybody, a group of several; not root, nor the group of the owner alone', () => {
  const of = (uid: number, gid: number, mode: number) => whoElse({ uid, gid, mode } as Stats);
  for (const uid of [me, 0]) {
    assert.equal(of(uid, uid, 0o600), null);
    assert.equal(of(uid, 0, 0o660), null);
    assert.equal(of(uid, OTHER, 0o640), null, 'to read is not to write');
    assert.match(of(uid, OTHER, 0o660) ?? '', /^group 12345 may write to it$/);
    assert.match(of(uid, uid, 0o100666) ?? '', /^everybody may write to it \(mode 666\)$/);
  }
  assert.match(of(OTHER, OTHER, 0o600) ?? '', /^it belongs to user 12345$/);
});

test('a folder is ours, is not there, or tells what is wrong', (t) => {
  const dir = folder(t);
  const links = { asLink: true };
  assert.equal(folderProblem(dir, links), null);
  assert.equal(folderProblem(join(dir, 'missing'), links), null);
  writeFileSync(join(dir, 'file'), '');
  assert.equal(folderProblem(join(dir, 'file'), links), 'it is not a folder');
  assert.match(folderProblem(join(dir, 'file/below'), links) ?? '', /cannot look at it \(ENOTDIR\)/);
  symlinkSync(dir, join(dir, 'link'));
  assert.equal(folderProblem(join(dir, 'link'), links), null);
  assert.equal(folderProblem(join(dir, 'link'), { asLink: false }), 'it is a symbolic link');
  assert.equal(folderProblem(`${join(dir, 'link')}/`, { asLink: false }), 'it is a symbolic link', 'also with a slash');
  chmodSync(dir, 0o777);
  assert.match(folderProblem(dir, links) ?? '', /everybody may write/);
});

test('a folder of another user, and a way through a link of another user, are refused', asRoot, (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'ours'), { mode: 0o700 });
  symlinkSync(join(dir, 'ours'), join(dir, 'link'));
  assert.equal(folderProblem(join(dir, 'link'), { asLink: true }), null);
  lchownSync(join(dir, 'link'), OTHER, OTHER);
  assert.match(folderProblem(join(dir, 'link'), { asLink: true }) ?? '', /link is a link of user 12345$/);
  lchownSync(join(dir, 'ours'), OTHER, OTHER);
  assert.match(folderProblem(join(dir, 'ours'), { asLink: true }) ?? '', /belongs to user 12345, and this is user 0/);
});

test('a file is as safe as every folder and link on the way to it', (t) => {
  const dir = folder(t);
  const file = join(dir, 'a/b/file');
  mkdirSync(join(dir, 'a/b'), { recursive: true, mode: 0o755 });
  writeFileSync(file, '', { mode: 0o644 });
  symlinkSync('a/b', join(dir, 'relative'));
  symlinkSync(join(dir, 'a'), join(dir, 'absolute'));
  const ways = [file, join(dir, 'relative/file'), join(dir, 'absolute/b/file'), join(dir, 'a/../a/b/./file')];
  for (const way of ways) assert.equal(foreignHand(way), null, way);
  chmodSync(join(dir, 'a'), 0o777);
  for (const way of ways) assert.match(foreignHand(way) ?? '', /\/a: everybody may write/, way);
  // Nobody takes away what is another's there, but this folder does not hold the file itself.
  chmodSync(join(dir, 'a'), 0o1777);
  assert.equal(foreignHand(file), null);
  chmodSync(join(dir, 'a/b'), 0o1777);
  assert.match(foreignHand(file) ?? '', /\/a\/b: everybody may write/, 'anybody could put a file beside it');
  assert.throws(() => foreignHand(join(dir, 'missing')), { code: 'ENOENT' });
});

test('a link of another user leads nowhere that is safe, and links in a circle end', asRoot, (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'file'), '');
  symlinkSync('file', join(dir, 'link'));
  lchownSync(join(dir, 'link'), OTHER, OTHER);
  assert.match(foreignHand(join(dir, 'link')) ?? '', /link: it is a link of user 12345/);
  symlinkSync('two', join(dir, 'one'));
  symlinkSync('one', join(dir, 'two'));
  assert.match(foreignHand(join(dir, 'one')) ?? '', /too many links/);
});

test('missing folders are made for nobody else; what is there stays, and what cannot be made says why', (t) => {
  const dir = folder(t);
  makeFolder(join(dir, 'a/b/c'));
  for (const made of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(join(dir, made)).mode & 0o777, 0o700);
  chmodSync(join(dir, 'a'), 0o755);
  makeFolder(join(dir, 'a'));
  assert.equal(statSync(join(dir, 'a')).mode & 0o777, 0o755);
  writeFileSync(join(dir, 'file'), '');
  assert.throws(() => makeFolder(join(dir, 'file')), { code: 'EEXIST' });
  assert.throws(() => makeFolder(join(dir, 'file/x/y')), { code: 'ENOTDIR' });
  assert.throws(() => makeFolder('/proc/tutti/x'), { code: 'ENOENT' });
});

test('only a file of our own is read or written: no link, no pipe that would hold us up, none that others may write to', (t) => {
  const dir = folder(t);
  const path = (name: string) => join(dir, name);
  writeFileSync(path('file'), 'text', { mode: 0o600 });
  assert.equal(readOwn(path('file')), 'text');
  symlinkSync('file', path('link'));
  execFileSync('mkfifo', ['-m', '600', path('pipe')]);
  writeFileSync(path('open'), 'text');
  chmodSync(path('open'), 0o666);
  for (const [name, problem] of [
    ['link', /ELOOP/],
    ['pipe', /it is not a file/],
    ['open', /everybody may write/],
  ] as const) {
    assert.throws(() => readOwn(path(name)), problem, name);
    assert.throws(() => openOwn(path(name), constants.O_RDWR), problem, name);
  }
  assert.equal(readFileSync(path('file'), 'utf8'), 'text');
  closeSync(openOwn(path('new'), constants.O_WRONLY));
  assert.equal(statSync(path('new')).mode & 0o777, 0o600);
});

test('a folder that is not there has no names; one that cannot be read says so, or has none where nobody minds', (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'file'), '');
  assert.deepEqual(namesIn(dir), ['file']);
  assert.deepEqual(namesIn(join(dir, 'missing')), []);
  assert.throws(() => namesIn(join(dir, 'file')), { code: 'ENOTDIR' });
  assert.deepEqual(namesIfAny(join(dir, 'file')), []);
});
