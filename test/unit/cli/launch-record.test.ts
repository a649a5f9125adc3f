import '../../support/seed.ts';
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { forgetSaved, readSaved, writeSaved } from '../../../src/cli/saved/saved-list.ts';
import {
  type LaunchRecord,
  readRecord,
  readRecords,
  removeRecord,
  writeRecord,
} from '../../../src/cli/shared/launch-record.ts';
import { savedListPath } from '../../../src/files/state-folder.ts';
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

  it('that is damaged in any way gives way to that of the start before, is told of, and takes no other with it', (test) => {
    const env = { TUTTI_HOME: temporaryState(test) };
    const path = join(env.TUTTI_HOME, 'apps/web.json');
    const before = { ...record('web'), args: ['--before'] };
    for (const one of [record('mail'), before, record('web')]) writeRecord(env, one);
    const whole = readFileSync(path);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some)),
      fc.nat({ max: whole.length - 3 }).map((length) => whole.subarray(0, length)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({ at: fc.constantFrom(...Object.keys(record('web'))), value: fc.oneof(fc.nat(), fc.constant(null)) })
        .filter(({ at, value }) => !(at === 'entry' && value === null))
        .filter(({ at, value }) => !(at === 'schema' && value === 1))
        .map(({ at, value }) => Buffer.from(JSON.stringify({ ...record('web'), [at]: value }))),
    );
    fc.assert(
      fc.property(bytes, (damaged) => {
        writeFileSync(path, damaged);
        const warnings: string[] = [];
        assert.deepEqual(
          readRecord(env, 'web', (warning) => warnings.push(warning)),
          before,
        );
        assert.equal(warnings.length, 1);
        assert.deepEqual(readRecords(env), [record('mail'), before]);
      }),
    );
  });

  it('hold nothing of the environment', (test) => {
    const env = { TUTTI_HOME: temporaryState(test), DB_PASSWORD: 'hunter2' };
    writeRecord(env, record('web'));
    assert.doesNotMatch(readFileSync(join(env.TUTTI_HOME, 'apps/web.json'), 'utf8'), /hunter2|DB_PASSWORD/);
  });
});

describe('the saved list', () => {
  it('comes back in its order, from the copy when it is damaged, and without what was deleted', (test) => {
    const env = { TUTTI_HOME: temporaryState(test) };
    assert.deepEqual(readSaved(env), { value: null, damage: null });
    writeSaved(env, ['web', 'mail']);
    writeSaved(env, ['mail', 'web', 'jobs']);
    assert.deepEqual(readSaved(env), { value: ['mail', 'web', 'jobs'], damage: null });
    forgetSaved(env, 'web');
    assert.deepEqual(readSaved(env).value, ['mail', 'jobs']);
    const path = savedListPath(env);
    for (const text of ['', '{"schema":1,"apps":["../x"]}', '{"schema":1,"apps":[1]}', 'null', '[]']) {
      writeFileSync(path, text);
      const { value, damage } = readSaved(env);
      assert.deepEqual(value, ['mail', 'web', 'jobs']);
      assert.notEqual(damage, null);
    }
    writeFileSync(`${path}.bak`, '{');
    assert.equal(readSaved(env).value, null);
  });
});
