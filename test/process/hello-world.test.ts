// The example that started it all: the same server alone, through the command line, and through the library.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { eventually, within } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { finished, nodePath, root, Sandbox } from '../support/sandbox.ts';

const server = 'examples/hello-world/server.ts';

const ways: { name: string; args: readonly string[]; workers: number }[] = [
  { name: 'alone', args: ['--import', 'tsx', server], workers: 1 },
  { name: 'by the command line', args: ['dist/bin.js', 'run', server, '-i', '2'], workers: 2 },
  { name: 'by the library', args: ['--import', 'tsx', 'examples/hello-world/cluster.ts'], workers: 2 },
];

for (const { name, args, workers } of ways) {
  test(`hello-world ${name}`, async () => {
    const port = await freePort();
    await using sandbox = new Sandbox();
    const primary = spawn(nodePath, args, {
      cwd: root,
      env: sandbox.environment({ PORT: String(port), HOLD_MS: '1', TUTTI_WORKERS: '2' }),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const end = finished(primary);
    const pids = new Set<string>();
    await eventually(`answers of ${workers} processes`, async () => {
      const response = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } });
      const [, pid = ''] = /^Hello world from process (\d+)\.\s*$/.exec(await response.text()) ?? [];
      pids.add(pid);
      return pids.size === workers;
    });
    assert.ok(!pids.has(''), 'every answer is the greeting');
    assert.equal(pids.has(String(primary.pid)), workers === 1);
    primary.kill('SIGTERM');
    const { code, signal } = await within('its end', end);
    // Alone, it has no handler and dies of the signal, as any node program.
    assert.deepEqual({ code, signal }, workers === 1 ? { code: null, signal: 'SIGTERM' } : { code: 0, signal: null });
  });
}
