import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadedFiles } from '../../../src/host/code/loaded-files.ts';

test('loadedFiles() reads what Node reports, and nothing else that a worker says', () => {
  assert.deepEqual(loadedFiles({ 'watch:require': ['/srv/a.cjs', null] }), ['/srv/a.cjs']);
  assert.deepEqual(
    loadedFiles({ 'watch:import': ['file:///srv/a%20b.mjs?namespace=1', 'node:fs', 'data:text/javascript,'] }),
    ['/srv/a b.mjs'],
  );
  for (const message of [{ 'watch:require': 'a' }, { 'watch:import': ['file://%'] }, { 'watch:import': ['node:fs'] }]) {
    assert.deepEqual(loadedFiles(message), [], 'a report that names no file is no message of the application either');
  }
  for (const message of [null, 'ready', 7, [], {}]) assert.equal(loadedFiles(message), null);
});
