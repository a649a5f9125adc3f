import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadApp, loadApps } from '../../../src/config/app.ts';

const dir = mkdtempSync(join(tmpdir(), 'tutti-load-apps-'));
after(() => rmSync(dir, { recursive: true }));
writeFileSync(join(dir, 'web.js'), 'listen()');
writeFileSync(join(dir, 'tool'), '\x7fELF');

test('whatever an ecosystem file leaves out is named, in whatever order its apps stand', async () => {
  const shell = { name: 'shell', script: 'start.sh' };
  const binary = { name: 'binary', script: './tool' };
  const web = { name: 'web', script: 'web.js' };
  for (const apps of [
    [web, shell, binary],
    [shell, binary, web],
    [binary, web, shell],
  ]) {
    const file = join(dir, 'process.json');
    writeFileSync(file, JSON.stringify({ apps }));
    const loaded = await loadApps(
      { command: 'start', flags: {}, entry: undefined, args: [], configPath: file, orphan: 'drain' },
      {
        cwd: dir,
        env: {},
        limits: () => ({ cpus: 2, allCpus: 2, quota: null, memoryBytes: null }),
        node: process.execPath,
      },
    );
    assert.deepEqual(
      loaded.map(({ config }) => config.name),
      ['web'],
    );
    const [first] = loaded;
    assert.match(first?.fileWarnings.join('\n') ?? '', /"script" of shell in process\.json: only Node\.js programs/);
    assert.match(first?.fileWarnings.join('\n') ?? '', /binary is left out/);
    assert.equal(first?.fileWarnings.length, 2);
    assert.deepEqual(first?.warnings, [], 'of the app itself there is nothing to say');
    // Who asks for one of them learns why it is not there, also where only one is left.
    for (const flags of [{ name: ['shell'] }, {}]) {
      const asked = { command: 'start', flags, entry: 'shell', args: [], configPath: file, orphan: 'drain' } as const;
      const around = {
        cwd: dir,
        env: {},
        limits: () => ({ cpus: 2, allCpus: 2, quota: null, memoryBytes: null }),
        node: process.execPath,
      };
      await assert.rejects(loadApp(asked, around), {
        code: 'ERR_APP_LEFT_OUT',
        message:
          /Cannot start "shell" of ".*process.json": "script": only Node.js programs are run, and start.sh is none/,
      });
    }
  }
});
