// Promise: an image installs packages as the project does: by its lock file, with all that the installation needs, and no password in it.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageFacts } from '../../../src/cli/export/package-facts.ts';

const base = mkdtempSync(join(tmpdir(), 'tutti-facts-'));
after(() => rmSync(base, { recursive: true }));
let count = 0;

/** What is found in a folder with these files. */
function facts(files: Record<string, string | object>, entry = 'server.js') {
  const dir = join(base, String(++count));
  mkdirSync(dir);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(dir, name), typeof text === 'string' ? text : JSON.stringify(text));
  }
  return packageFacts(dir, entry);
}

test('the package manager is that of the lock file', () => {
  for (const [files, manager, manifests] of [
    [[], 'npm', []],
    [['package-lock.json'], 'npm', ['package-lock.json']],
    [['npm-shrinkwrap.json', 'package-lock.json'], 'npm', ['npm-shrinkwrap.json']],
    [['pnpm-lock.yaml', 'package-lock.json'], 'pnpm', ['pnpm-lock.yaml']],
    [['yarn.lock'], 'yarn', ['yarn.lock']],
    [['yarn.lock', '.yarnrc.yml'], 'yarn-berry', ['yarn.lock', '.yarnrc.yml']],
    [['.yarnrc.yml'], 'npm', ['.yarnrc.yml']],
  ] as const) {
    const given = Object.fromEntries(files.map((name) => [name, '']));
    const { packages } = facts({ 'package.json': {}, ...given });
    assert.equal(packages.manager, manager, files.join());
    assert.deepEqual(packages.manifests, ['package.json', ...manifests], files.join());
    assert.equal(
      packages.hasLock,
      files.some((name) => name !== '.yarnrc.yml'),
      files.join(),
    );
  }
});

test('without package.json nothing is installed', () => {
  const { packages, version } = facts({ 'package-lock.json': '{}' });
  assert.equal(packages.manager, null);
  assert.equal(packages.hasTutti, false);
  assert.equal(version, null);
});

test('packages that lie in the folder need all of it', () => {
  for (const [manifest, needsSources] of [
    [{}, false],
    [{ dependencies: { a: '^1.0.0', b: 'github:x/y', c: 'npm:d@1' } }, false],
    [{ dependencies: { a: 'file:lib' } }, true],
    [{ devDependencies: { a: 'link:../a' } }, true],
    [{ optionalDependencies: { a: 'portal:a' } }, true],
    [{ dependencies: { a: 'workspace:*' } }, true],
    [{ workspaces: ['packages/*'] }, true],
  ] as const) {
    assert.equal(facts({ 'package.json': manifest }).packages.needsSources, needsSources, JSON.stringify(manifest));
  }
  assert.equal(facts({ 'package.json': {}, 'pnpm-workspace.yaml': '' }).packages.needsSources, true);
});

test('an .npmrc with a password itself is left out, and one that names a variable is needed', () => {
  for (const [npmrc, hasPassword] of [
    ['registry=https://registry.example/', false],
    ['//registry.example/:_authToken=\x24{NPM_TOKEN}', false],
    ['//registry.example/:_authToken = \x24{NPM_TOKEN}', false],
    ['//registry.example/:_authToken=abc', true],
    ['//registry.example/:_password="abc"', true],
    ['a=b\n_auth = abc\n', true],
    ['//registry.example/:_authToken=', false],
  ] as const) {
    const { packages } = facts({ 'package.json': {}, '.npmrc': npmrc });
    assert.equal(packages.hasPassword, hasPassword, npmrc);
    assert.equal(packages.manifests.includes('.npmrc'), !hasPassword, npmrc);
  }
});

test('tutti is the one of the project where production has it', () => {
  for (const [manifest, hasTutti] of [
    [{ dependencies: { tutti: '1' } }, true],
    [{ devDependencies: { tutti: '1' } }, false],
    [{}, false],
  ] as const) {
    assert.equal(facts({ 'package.json': manifest }).packages.hasTutti, hasTutti);
  }
});

test('a build is run where there is one', () => {
  assert.equal(facts({ 'package.json': { scripts: { build: 'tsc' } } }).packages.hasBuild, true);
  assert.equal(facts({ 'package.json': { scripts: { build: { no: 'text' } } } }).packages.hasBuild, false);
  assert.equal(facts({ 'package.json': { scripts: { 'build:css': 'x' } } }).packages.hasBuild, false);
});

test('the image has a Node.js that runs the program', () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const strips = major > 22 || (major === 22 && minor >= 18);
  for (const [entry, expected] of [
    ['server.js', major],
    ['server.ts', strips ? major : 24],
    ['server.mts', strips ? major : 24],
    ['server.tsx', major],
    ['dist.ts/server.js', major],
  ] as const) {
    assert.equal(facts({}, entry).packages.nodeMajor, expected, entry);
  }
});

test('a package.json that cannot be read is named; an empty one is one without anything', () => {
  assert.throws(() => facts({ 'package.json': '{' }), { code: 'ERR_CONFIG_FAILED' });
  for (const text of ['null', '{}', '{"scripts":null,"dependencies":null}', '[]', '"x"']) {
    assert.equal(facts({ 'package.json': text }).packages.hasBuild, false, text);
  }
});
