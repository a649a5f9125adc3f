import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { type Config, defineConfig } from '../../../src/config/options.ts';
import * as is from '../../../src/config/values.ts';
import type { Policy } from '../../../src/supervisor/vocabulary/policy.ts';

const read = (kind: is.Kind, value: unknown): unknown => {
  const result = v.safeParse(kind.schema, value);
  return result.success ? result.output : 'refused';
};

test('a duration is a number with a unit, or milliseconds', () => {
  const cases: [unknown, unknown][] = [
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['250', 250],
    [250, 250],
    [0, 0],
    ['0', 0],
    ['-5s', 'refused'],
    [-1, 'refused'],
    ['5 minutes', 'refused'],
    ['', 'refused'],
    [Number.NaN, 'refused'],
    ['30d', 'refused'],
    [null, 'refused'],
  ];
  for (const [value, expected] of cases) assert.equal(read(is.duration, value), expected, String(value));
});

test('a request is a method, a path, or both', () => {
  for (const good of ['GET', 'get', '/export', 'GET:/export', '/']) assert.deepEqual(read(is.requests, [good]), [good]);
  for (const bad of ['', 'export/', 'GET /export', 'GET:', 'GET:export', '/a b', ':/a'])
    assert.equal(read(is.requests, [bad]), 'refused', bad);
});

test('never is a duration only where it may be', () => {
  assert.equal(read(is.durationOrNever, 'never'), 'never');
  assert.equal(read(is.duration, 'never'), 'refused');
  assert.equal(read(is.durationOrNever, 0), 'refused');
  assert.equal(read(is.optionalDuration, '0s'), 'refused');
  assert.equal(read(is.positiveDuration, '0s'), 'refused');
  assert.equal(read(is.positiveDuration, '1s'), 1000);
});

test('a size is in powers of 1024', () => {
  const cases: [unknown, unknown][] = [
    ['512M', 512 * 1024 ** 2],
    ['1.5G', 1.5 * 1024 ** 3],
    ['64K', 65_536],
    ['512MiB', 512 * 1024 ** 2],
    ['300mb', 300 * 1024 ** 2],
    [1024, 1024],
    ['0', 'refused'],
    ['-1M', 'refused'],
    ['lots', 'refused'],
    [null, null],
  ];
  for (const [value, expected] of cases) assert.equal(read(is.optionalSize, value), expected, String(value));
});

test('workers are a number, a word, or a range', () => {
  const cases: [unknown, unknown][] = [
    ['auto', { min: 'auto', max: 'auto' }],
    ['max', { min: 'max', max: 'max' }],
    [4, { min: 4, max: 4 }],
    ['4', { min: 4, max: 4 }],
    ['2..8', { min: 2, max: 8 }],
    ['1..auto', { min: 1, max: 'auto' }],
    [0, 'refused'],
    ['many', 'refused'],
    ['-2', 'refused'],
    ['2.5', 'refused'],
    ['8..2', 'refused'],
    ['1..2..3', 'refused'],
    ['2000', 'refused'],
  ];
  for (const [value, expected] of cases) assert.deepEqual(read(is.workers, value), expected, String(value));
});

test('an address without a host is loopback', () => {
  const cases: [unknown, unknown][] = [
    [9000, { host: '127.0.0.1', port: 9000 }],
    ['9000', { host: '127.0.0.1', port: 9000 }],
    [':9000', { host: '127.0.0.1', port: 9000 }],
    ['0.0.0.0:9000', { host: '0.0.0.0', port: 9000 }],
    ['[::1]:9000', { host: '::1', port: 9000 }],
    ['localhost:70000', 'refused'],
    ['localhost', 'refused'],
  ];
  for (const [value, expected] of cases) assert.deepEqual(read(is.address, value), expected, String(value));
});

test('a switch understands what files and variables say', () => {
  for (const yes of [true, 'on', 'true', 'yes', '1']) assert.equal(read(is.yesOrNo, yes), true);
  for (const no of [false, 'off', 'false', 'no', '0']) assert.equal(read(is.yesOrNo, no), false);
  assert.equal(read(is.yesOrNo, 'perhaps'), 'refused');
});

test('a name can be part of a path and is no word of the command line', () => {
  for (const good of ['web', 'my-app_2', 'a.b']) assert.equal(read(is.appName, good), good);
  for (const bad of ['', '../web', 'a b', '.hidden', 'all', 'x'.repeat(64)])
    assert.equal(read(is.appName, bad), 'refused', bad);
});

test('the resolved configuration is a policy', () => {
  // Held by the compiler: this file does not type-check when Config and Policy drift apart.
  const asPolicy = (config: Config): Policy => config;
  assert.equal(typeof asPolicy, 'function');
});

test('defineConfig() checks what an editor would', () => {
  defineConfig({ entry: 'a.js', workers: '2..8', drainTimeout: 500, env: { A: 1 } });
  defineConfig({ apps: [{ entry: 'a.js' }, { entry: 'b.js', maxMemory: undefined }] });
  // @ts-expect-error an unknown option
  defineConfig({ entry: 'a.js', worker: 2 });
  // @ts-expect-error not one of its words
  defineConfig({ entry: 'a.js', balance: 'magic' });
  assert.deepEqual(defineConfig({ entry: 'a.js' }), { entry: 'a.js' });
});
