import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveEntry } from '../../../src/config/entry/entry.ts';

const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-entry-')));
after(() => rmSync(dir, { recursive: true }));

function write(path: string, content = ''): string {
  const full = join(dir, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
}

test('an entry is found as node finds it', () => {
  const file = write('plain/server.js');
  assert.equal(resolveEntry(file), file);
  assert.equal(resolveEntry(join(dir, 'plain/server')), file);
  const index = write('indexed/index.js');
  assert.equal(resolveEntry(join(dir, 'indexed')), index);
  write('packaged/package.json', '{ "main": "lib/start" }');
  const start = write('packaged/lib/start.js');
  assert.equal(resolveEntry(join(dir, 'packaged')), start);
  write('broken/package.json', '{');
  const fallback = write('broken/index.js');
  assert.equal(resolveEntry(join(dir, 'broken')), fallback);
});

test('a link is followed anew each time', () => {
  const one = write('releases/1/server.js');
  const two = write('releases/2/server.js');
  const link = join(dir, 'current');
  symlinkSync('releases/1', link);
  assert.equal(resolveEntry(join(link, 'server')), one);
  symlinkSync('releases/2', `${link}.new`);
  renameSync(`${link}.new`, link);
  assert.equal(resolveEntry(join(link, 'server')), two);
});

test('what cannot be run says why', () => {
  mkdirSync(join(dir, 'empty'));
  assert.throws(() => resolveEntry(join(dir, 'empty')), { code: 'ERR_ENTRY_IS_FOLDER' });
  assert.throws(() => resolveEntry(join(dir, 'nowhere/server.js')), { code: 'ERR_ENTRY_NOT_FOUND' });
  assert.throws(() => resolveEntry(join(dir, 'plain/server.js/deeper')), { code: 'ERR_ENTRY_NOT_FOUND' });
  assert.throws(() => resolveEntry(join(dir, 'plain/sevrer.js')), { remedy: /plain\/server\.js/ });
  assert.throws(() => resolveEntry(join(dir, 'npm')), { remedy: /npm only starts another program/ });
  assert.throws(() => resolveEntry(join(dir, 'yarn start')), { remedy: /yarn only starts another program/ });
  assert.throws(() => resolveEntry(join(dir, 'node server.js')), { remedy: /Leave node out/ });
  for (const [name, begin] of [
    ['shim.cmd', '@echo off'],
    ['module.wasm', '\0asm\x01'],
  ] as const) {
    writeFileSync(join(dir, name), begin);
    assert.throws(() => resolveEntry(join(dir, name)), { code: 'ERR_ENTRY_NOT_NODE' });
  }
});
