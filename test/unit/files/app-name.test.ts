import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { appName } from '../../../src/config/values.ts';
import { appNameFrom, isAppName } from '../../../src/files/app-name.ts';

const names: [name: string, isName: boolean][] = [
  ['web', true],
  ['0.b_c-d', true],
  ['x'.repeat(63), true],
  ['x'.repeat(64), false],
  ['', false],
  ['-web', false],
  ['.web', false],
  ['a/b', false],
  ['web\n', false],
  ['all', false],
  ['none', false],
];

test('whoever takes the name of an app goes by one rule', () => {
  for (const [name, isName] of names) {
    assert.equal(isAppName(name), isName, name);
    assert.equal(v.is(appName.schema, name), isName, name);
  }
});

test('of any text becomes a name', () => {
  for (const [name, isName] of names)
    assert.ok(isAppName(appNameFrom(name)) && (!isName || appNameFrom(name) === name));
  assert.equal(appNameFrom('  my app/2 '), 'my-app-2-');
  assert.equal(appNameFrom('all'), 'app');
  assert.equal(appNameFrom('x'.repeat(99)), 'x'.repeat(63));
});
