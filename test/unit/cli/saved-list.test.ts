// Promise: what is to come back at the next boot is read as it was written, or the damage is told; nothing else stands in the list.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { forgetSaved, readSaved, writeSaved } from '../../../src/cli/saved/saved-list.ts';
import { BESIDE_VARIABLE, takeBeside } from '../../../src/cli/several/beside.ts';
import type { Surroundings } from '../../../src/config/app.ts';
import { savedListPath } from '../../../src/files/state-folder.ts';

const base = mkdtempSync(join(tmpdir(), 'tutti-saved-'));
after(() => rmSync(base, { recursive: true }));
const env = { TUTTI_HOME: join(base, 'home'), TUTTI_ALLOW_ROOT: 'true' };
const path = savedListPath(env);
beforeEach(() => rmSync(env.TUTTI_HOME, { recursive: true, force: true }));

function damage(text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}

test('the list keeps its order, also an empty one', () => {
  assert.deepEqual(readSaved(env), { value: null, damage: null }, 'nothing was ever saved');
  for (const apps of [['web', 'api', 'a.b'], ['api'], []]) {
    writeSaved(env, apps);
    assert.deepEqual(readSaved(env), { value: apps, damage: null });
  }
});

test('a list that is damaged is told, and the one from before is used', () => {
  writeSaved(env, ['web']);
  writeSaved(env, ['web', 'api']);
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"schema":2,"apps":[]}',
    '{"schema":1,"apps":["../x"]}',
    '{"schema":1}',
  ]) {
    writeFileSync(path, text);
    const { value, damage: told } = readSaved(env);
    assert.deepEqual(value, ['web'], text);
    assert.match(told ?? '', /\S/, text);
  }
});

test('a name that is none of an app’s never reaches a start', () => {
  for (const name of ['../../etc', 'a b', '-x', 'all', '', 5, null]) {
    damage(JSON.stringify({ schema: 1, apps: ['web', name], savedAt: '' }));
    assert.equal(readSaved(env).value, null, String(name));
  }
});

test('an app that is deleted is not looked for at the next boot', () => {
  writeSaved(env, ['web', 'api']);
  forgetSaved(env, 'web');
  assert.deepEqual(readSaved(env).value, ['api']);
  const before = readFileSync(path, 'utf8');
  forgetSaved(env, 'other');
  assert.equal(readFileSync(path, 'utf8'), before, 'nothing is written for nothing');
  rmSync(path);
  rmSync(`${path}.previous`, { force: true });
  rmSync(env.TUTTI_HOME, { recursive: true });
  forgetSaved(env, 'web');
  assert.equal(existsSync(path), false);
});

const around = (memoryBytes: number | null): Surroundings => ({
  cwd: '/',
  env: {},
  limits: () => ({ cpus: 4, allCpus: 8, quota: { cpus: 4, from: 'cpu.max' }, memoryBytes }),
  node: process.execPath,
});

test('apps side by side share the memory, and each may use all CPUs', () => {
  const beside = takeBeside({ [BESIDE_VARIABLE]: '3' });
  assert.equal(beside?.apps, 3);
  assert.deepEqual(beside?.share(around(900)).limits(), { ...around(900).limits(), memoryBytes: 300 });
  assert.deepEqual(beside?.share(around(null)).limits(), around(null).limits(), 'of no limit there is no share');
});

test('limits are those of the moment in which they are asked for', () => {
  let memoryBytes = 300;
  const shared = takeBeside({ [BESIDE_VARIABLE]: '3' })?.share({
    ...around(null),
    limits: () => ({ ...around(null).limits(), memoryBytes }),
  });
  assert.equal(shared?.limits().memoryBytes, 100);
  memoryBytes = 600;
  assert.equal(shared?.limits().memoryBytes, 200);
});

test('neither workers nor what they start see that there are several; nonsense is none', () => {
  for (const text of ['2', '0', '-1', '1.5', 'x', '', undefined]) {
    const given: Record<string, string | undefined> = { [BESIDE_VARIABLE]: text, OTHER: 'x' };
    assert.equal(takeBeside(given)?.apps, text === '2' ? 2 : undefined, text);
    assert.deepEqual(given, { OTHER: 'x' });
  }
});
