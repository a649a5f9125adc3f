// Promise: code that was overwritten under running workers is noticed, and nothing else is taken for that.

import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { changedFile, type Fingerprint, takeFingerprint } from '../../../src/host/code/fingerprint.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-fingerprint-')));
after(() => rmSync(base, { recursive: true }));
const dir = join(base, 'app');
const at = (name: string): string => join(dir, name);

function write(name: string, text = 'a'): void {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
}

beforeEach(() => {
  rmSync(dir, { recursive: true, force: true });
  for (const name of ['package.json', 'server.js', 'lib/a.mjs', 'lib/deep/b.ts', 'data.json']) write(name);
});

const take = (entry = 'server.js'): Promise<Fingerprint> => takeFingerprint(at(entry));
const names = (fingerprint: Fingerprint): string[] =>
  [...fingerprint.keys()].map((path) => path.slice(dir.length + 1)).sort();

test('the code of the package is known, and neither data nor what an install brings', async () => {
  for (const name of ['node_modules/x/index.js', 'test/a.test.js', '.git/hooks/x.js', 'coverage/lcov.js']) write(name);
  for (const name of ['tutti.config.ts', 'ecosystem.config.cjs', 'README.md', 'addon.node', 'x.wasm']) write(name);
  assert.deepEqual(names(await take()), ['addon.node', 'lib/a.mjs', 'lib/deep/b.ts', 'server.js', 'x.wasm']);
});

test('the program itself is known wherever it lies', async () => {
  write('test/main.js');
  write('bin/start');
  for (const entry of ['test/main.js', 'bin/start']) assert.ok(names(await take(entry)).includes(entry), entry);
});

test('without a package.json only the folder of the program is looked at', async () => {
  rmSync(at('package.json'));
  assert.deepEqual(names(await take('lib/a.mjs')), ['lib/a.mjs', 'lib/deep/b.ts']);
});

test('each kind of change is seen, and named', async () => {
  const changes: Record<string, () => void> = {
    'another size': () => write('lib/a.mjs', 'ab'),
    'the same size at another time': () => utimesSync(at('lib/a.mjs'), 1, 1),
    removed: () => rmSync(at('lib/a.mjs')),
    'moved away with its folder': () => renameSync(at('lib'), at('old')),
  };
  for (const [what, change] of Object.entries(changes)) {
    const before = await take();
    assert.equal(await changedFile(before), null, what);
    change();
    assert.equal((await changedFile(before))?.startsWith(at('lib/')), true, what);
    rmSync(at('old'), { recursive: true, force: true });
    write('lib/a.mjs');
    write('lib/deep/b.ts');
  }
});

test('a file that is replaced by one of the same size and time is another one', async () => {
  utimesSync(at('server.js'), 1, 1);
  const before = await take();
  write('fresh.js');
  utimesSync(at('fresh.js'), 1, 1);
  renameSync(at('fresh.js'), at('server.js'));
  assert.equal(await changedFile(before), at('server.js'));
});

test('what is read, or comes beside it, is no change', async () => {
  const before = await take();
  write('lib/new.js');
  write('data.json', 'changed');
  utimesSync(dir, 1, 1);
  assert.equal(await changedFile(before), null);
});

test('links are followed to files and not to folders, so that a circle has an end', async () => {
  symlinkSync(dir, at('lib/circle'));
  symlinkSync(at('server.js'), at('lib/link.js'));
  assert.deepEqual(names(await take()), ['lib/a.mjs', 'lib/deep/b.ts', 'server.js']);
});

test('a large package is bounded, and its entry is among what is kept', async () => {
  for (let count = 0; count < 600; count++) write(`many/${String(count).padStart(4, '0')}.js`, '');
  write('zz/last.js');
  const found = names(await take('zz/last.js'));
  assert.equal(found.length, 501);
  assert.ok(found.includes('zz/last.js'));
});

test('a folder that is not there has no files, and its absence is no change until it comes', async () => {
  const before = await takeFingerprint(join(base, 'absent/server.js'));
  assert.deepEqual([...before.values()], ['absent']);
  assert.equal(await changedFile(before), null);
});
