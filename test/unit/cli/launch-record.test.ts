import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type LaunchRecord,
  readRecord,
  readRecords,
  removeRecord,
  writeRecord,
} from '../../../src/cli/shared/launch-record.ts';
import { temporaryState } from '../admin/open-admin.ts';

const record = (name: string): LaunchRecord => ({
  schema: 1,
  name,
  cwd: '/srv',
  entry: 'server.js',
  args: ['--port', '3000'],
  flags: { workers: ['2'], name: [name] },
  config: 'none',
  startedAt: '2026-01-01T00:00:00.000Z',
});

describe('launch records', () => {
  it('come back as they were, are private, and are sorted as people count', (test) => {
    const env = { TUTTI_HOME: temporaryState(test) };
    for (const name of ['web-10', 'web-9']) writeRecord(env, record(name));
    assert.deepEqual(readRecord(env, 'web-9'), record('web-9'));
    assert.deepEqual(
      readRecords(env).map(({ name }) => name),
      ['web-9', 'web-10'],
    );
    assert.equal(statSync(join(env.TUTTI_HOME, 'apps/web-9.json')).mode & 0o777, 0o600);
    assert.equal(statSync(join(env.TUTTI_HOME, 'apps')).mode & 0o777, 0o700);
    removeRecord(env, 'web-9');
    assert.equal(readRecord(env, 'web-9'), null);
  });

  it('leave out what is broken or foreign', (test) => {
    const env = { TUTTI_HOME: temporaryState(test) };
    writeRecord(env, record('web'));
    for (const [name, text] of [
      ['half', '{"schema":1,'],
      ['other', '{"schema":2,"name":"other"}'],
      ['list', '[]'],
      ['null', 'null'],
    ]) {
      writeFileSync(join(env.TUTTI_HOME, 'apps', `${name}.json`), text ?? '');
    }
    assert.deepEqual(
      readRecords(env).map(({ name }) => name),
      ['web'],
    );
  });
});
