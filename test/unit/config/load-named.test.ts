import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadNamed } from '../../../src/config/app.ts';
import { TuttiError } from '../../../src/errors.ts';

const dir = mkdtempSync(join(tmpdir(), 'tutti-load-named-'));
after(() => rmSync(dir, { recursive: true }));
const file = join(dir, 'process.json');
const apps = [
  { name: 'web', script: 'web.js' },
  { name: 'gone', script: 'gone.js' },
];
writeFileSync(file, JSON.stringify({ apps }));
writeFileSync(join(dir, 'web.js'), '');

const named = (name: string) =>
  loadNamed(
    name,
    { command: 'start', flags: {}, entry: undefined, args: [], configPath: file, orphan: 'drain' },
    {
      cwd: dir,
      env: {},
      limits: () => ({ cpus: 2, allCpus: 2, quota: null, memoryBytes: null }),
      node: process.execPath,
    },
  );

test('an app is found by its name, whatever is wrong with the others', async () => {
  assert.equal((await named('web'))?.config.entry, join(dir, 'web.js'));
  assert.equal(await named('other'), null);
  await assert.rejects(named('gone'), (error) => error instanceof TuttiError && error.code === 'ERR_ENTRY_NOT_FOUND');
});
