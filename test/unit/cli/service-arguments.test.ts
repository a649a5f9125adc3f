// What a unit file runs is the app that was typed, from whatever folder.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runArguments, scopeOf } from '../../../src/cli/service/service-of.ts';
import type { LaunchRecord } from '../../../src/cli/shared/launch-record.ts';

const typed = (more: Partial<LaunchRecord>): string[] =>
  runArguments({
    ...{ schema: 1, name: 'web', cwd: '/srv/app', entry: 'server.js', args: [], flags: {} },
    ...{ config: 'none', startedAt: '2026-01-01T00:00:00Z', ...more },
  });

test('an entry becomes a whole path; the name of an app in a configuration file stays', () => {
  assert.deepEqual(typed({}), ['/srv/app/server.js', '--config', 'none']);
  assert.deepEqual(typed({ entry: './x/server.js', config: '/srv/tutti.config.json' }), [
    '/srv/app/x/server.js',
    ...['--config', '/srv/tutti.config.json'],
  ]);
  assert.deepEqual(typed({ entry: 'web', config: '/srv/tutti.config.json' }), [
    'web',
    '--config',
    '/srv/tutti.config.json',
  ]);
  assert.deepEqual(typed({ entry: null, config: '/srv/tutti.config.json' }), ['--config', '/srv/tutti.config.json']);
});

test('flags mean what was typed: several values, a value that looks like a flag, an empty one, yes and no', () => {
  const flags = { workers: ['4'], nodeArgs: ['--max-old-space-size=100', '--inspect'], restart: [''], watch: true };
  assert.deepEqual(typed({ flags }).slice(3), [
    ...['--node-arg=--max-old-space-size=100', '--node-arg=--inspect'],
    ...['--workers', '4'],
    ...['--restart='],
    ...['--watch'],
  ]);
  assert.deepEqual(typed({ flags: { watch: false } }).slice(3), ['--no-watch']);
});

test('the environment that was typed is no argument that every user can read', () => {
  assert.deepEqual(typed({ flags: { env: ['SECRET=1'] } }).slice(3), []);
});

test('what follows -- goes to the application, word by word', () => {
  assert.deepEqual(typed({ args: ['--port', '80', 'two words'] }).slice(3), ['--', '--port', '80', 'two words']);
});

test('a service is of the whole machine unless it is asked for the user', () => {
  assert.deepEqual([scopeOf({}), scopeOf({ user: true })], ['system', 'user']);
});
