// What killed primaries left in a shared folder, and where the private sockets of a living one go.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ownMark, removeLeftovers } from '../../../src/host/leftovers.ts';
import { Scratch } from '../../../src/host/scratch.ts';

const pattern = /^tutti-(\d+)-(\d+)-[A-Za-z0-9]{6}$/;
const isRoot = process.getuid?.() === 0;

function folder(test: { after: (end: () => void) => void }): string {
  const path = mkdtempSync(join(tmpdir(), 'leftovers-'));
  test.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('what dead processes of this user left goes; what belongs to the living, to others or to nobody known stays', (test) => {
  const place = folder(test);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const [namespace] = ownMark().split('-');
  const leftover = (mark: string, end = 'abcDEF'): string => {
    mkdirSync(join(place, `tutti-${mark}-${end}`));
    writeFileSync(join(place, `tutti-${mark}-${end}`, 'log-1.sock'), '');
    return `tutti-${mark}-${end}`;
  };
  if (isRoot) chownSync(join(place, leftover(`${namespace}-${dead}`, 'aaaaaa')), 65_534, 65_534);
  leftover(`${namespace}-${dead}`);
  leftover(`${namespace}-${dead}`, 'zzzzzz');
  const stay = [leftover(ownMark()), leftover(`1-${dead}`), leftover('old')];
  removeLeftovers(place, pattern);
  const foreign = isRoot ? [`tutti-${namespace}-${dead}-aaaaaa`] : [];
  assert.deepEqual(readdirSync(place).sort(), [...stay, ...foreign].sort());
  removeLeftovers(join(place, 'none'), pattern);
});

test('a name that cannot be removed does not keep the next from being removed', {
  skip: isRoot ? 'root can remove anything' : false,
}, (test) => {
  const place = folder(test);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const [namespace] = ownMark().split('-');
  const stuck = join(place, `tutti-${namespace}-${dead}-aaaaaa`);
  mkdirSync(join(stuck, 'x'), { recursive: true });
  spawnSync('chmod', ['500', stuck]);
  mkdirSync(join(place, `tutti-${namespace}-${dead}-bbbbbb`));
  removeLeftovers(place, pattern);
  assert.deepEqual(readdirSync(place), [`tutti-${namespace}-${dead}-aaaaaa`]);
  spawnSync('chmod', ['700', stuck]);
});

test('private sockets go elsewhere where the temporary folder has too long a path, into a folder that is made again when it is gone', async (test) => {
  const before = process.env.TMPDIR;
  test.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const long = join(folder(test), 'x'.repeat(100));
  mkdirSync(long);
  process.env.TMPDIR = long;
  const scratch = new Scratch();
  test.after(() => scratch.remove());
  const path = scratch.path();
  assert.ok(!path.startsWith(long));
  assert.equal(statSync(path).mode & 0o777, 0o700);
  const server = createServer();
  await new Promise<void>((listening, fail) =>
    server.once('error', fail).listen(join(path, 'probe-999999999.sock'), listening),
  );
  await new Promise((closed) => server.close(closed));
  rmSync(path, { recursive: true });
  const again = scratch.path();
  assert.ok(statSync(again).isDirectory());
  assert.equal(scratch.path(), again);
});
