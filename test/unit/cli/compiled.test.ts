import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberCompiled } from '../../../src/cli/compiled.ts';

test('a home in which nothing can be kept stops no command', () => {
  assert.doesNotThrow(() => rememberCompiled({ TUTTI_HOME: '/dev/null/home' }));
});
