import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadApps } from '../../../src/config/app.ts';

const dir = mkdtempSync(join(tmpdir(), 'tutti-load-apps-'));
after(() => rmSync(dir, { recursive: true }));
writeFileSync(join(dir, 'web.js'), '');
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
      { cwd: dir, env: {}, cpus: () => 2, node: process.execPath },
    );
    assert.deepEqual(
      loaded.map(({ config }) => config.name),
      ['web'],
    );
    const [first] = loaded;
    assert.match(first?.warnings.join('\n') ?? '', /"script" of shell in process\.json: only Node\.js programs/);
    assert.match(first?.warnings.join('\n') ?? '', /binary is left out/);
    assert.equal(first?.warnings.length, 2);
  }
});
