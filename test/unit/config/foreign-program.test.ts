// Promise: what is not for Node.js is told before Node.js is given it, and nothing that Node.js runs is refused.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { currentFolder } from '../../../src/config/entry/current-folder.ts';
import { foreignProgram } from '../../../src/config/entry/foreign-program.ts';

const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-foreign-')));
after(() => rmSync(dir, { recursive: true }));

function told(name: string, begin: string | Buffer): string | null {
  const path = join(dir, name);
  writeFileSync(path, begin);
  return foreignProgram(path);
}

test('a program that names Node.js, or a loader for it, is one, wherever that lies', () => {
  for (const shebang of [
    '#!/usr/bin/env node',
    '#!/usr/bin/node',
    '#! /usr/local/bin/node --enable-source-maps',
    '#!/usr/bin/env -S node --import tsx',
    '#!/usr/bin/env -S NODE_ENV=production node',
    '#!/usr/bin/env node22',
    '#!/opt/bin/node-24.1',
    '#!/usr/bin/nodejs',
    '#!/usr/bin/env tsx',
    '#!/usr/bin/env -S npx ts-node-esm',
    '#!/usr/bin/env -S deno run',
    '#!/usr/bin/env bun',
    '#!/usr/bin/env node\r',
  ]) {
    for (const name of ['server', 'server.js', 'server.sh'])
      assert.equal(told(name, `${shebang}\nlisten()\n`), null, shebang);
  }
});

test('one that names another program is none, also below a folder called node', () => {
  for (const [shebang, what] of [
    ['#!/bin/sh', '/bin/sh'],
    ['#!/usr/bin/env bash', '/usr/bin/env bash'],
    ['#!/usr/bin/env python3', '/usr/bin/env python3'],
    ['#!/home/node/venv/bin/python', '/home/node/venv/bin/python'],
    ['#!/opt/bun/bin/ruby', '/opt/bun/bin/ruby'],
    ['#!/usr/bin/env nodeenv', '/usr/bin/env nodeenv'],
  ] as const) {
    assert.equal(told('server.js', `${shebang}\nx\n`), `a script for ${what}`);
  }
});

test('a binary is told by its first bytes, and JavaScript that begins with the same letters is none', () => {
  for (const begin of [
    Buffer.from('\x7fELF\x02\x01', 'latin1'),
    Buffer.from('\0asm\x01\0\0\0', 'latin1'),
    Buffer.from('MZ\x90\0\x03\0', 'latin1'),
    Buffer.from([0xfe, 0xed, 0xfa, 0xcf]),
    Buffer.from([0xcf, 0xfa, 0xed, 0xfe]),
  ]) {
    assert.equal(told('server', begin), 'a binary');
  }
  for (const begin of ['MZ.listen(80)', 'MZ = 1', '', 'ELF', '\ufeffimport "a"', '// #!/bin/sh', '#!\n/bin/sh']) {
    assert.equal(told('server.js', begin), null, begin);
  }
});

test('without a shebang the ending tells, in any case', () => {
  for (const [name, what] of [
    ['start.sh', 'a shell script'],
    ['START.SH', 'a shell script'],
    ['app.py', 'a Python program'],
    ['run.cmd', 'a script of Windows'],
    ['run.ps1', 'a script of PowerShell'],
    ['app.mjs', null],
    ['app.ts', null],
    ['sh', null],
    ['app.sh.js', null],
  ] as const) {
    assert.equal(told(name, 'echo'), what, name);
  }
});

test('what cannot be read throws, so that the reason is told', () => {
  assert.throws(() => foreignProgram(join(dir, 'absent')), { code: 'ENOENT' });
  assert.throws(() => foreignProgram(dir), { code: 'EISDIR' });
});

test('the current folder is the one that was gone to, through links, if PWD says the truth', () => {
  const before = process.cwd();
  const release = join(dir, 'releases/1');
  const current = join(dir, 'current');
  mkdirSync(release, { recursive: true });
  symlinkSync(release, current);
  try {
    process.chdir(release);
    for (const [PWD, expected] of [
      [current, current],
      [release, release],
      [`${current}/`, `${current}/`],
      [dir, release],
      [join(dir, 'absent'), release],
      ['releases/1', release],
      ['', release],
      [undefined, release],
    ] as const) {
      assert.equal(currentFolder({ PWD }), expected, PWD);
    }
    // Node remembers where it is until it goes elsewhere.
    process.chdir(release);
    rmSync(release, { recursive: true });
    assert.equal(currentFolder({ PWD: current }), current, 'whoever needs it names it');
    assert.equal(currentFolder({ PWD: 'relative' }), '/');
    assert.equal(currentFolder({}), '/');
  } finally {
    process.chdir(before);
  }
});
