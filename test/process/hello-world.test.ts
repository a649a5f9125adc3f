// The example that started it all: the same server alone, through the command line, and through the library.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, within } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { MARK_VARIABLE, markedProcesses } from '../support/processes.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const node = process.env.TUTTI_TEST_NODE ?? process.execPath;
const server = 'examples/hello-world/server.ts';

const ways: { name: string; args: readonly string[]; workers: number }[] = [
  { name: 'alone', args: ['--import', 'tsx', server], workers: 1 },
  { name: 'by the command line', args: ['dist/bin.js', 'run', server, '-i', '2'], workers: 2 },
  { name: 'by the library', args: ['--import', 'tsx', 'examples/hello-world/cluster.ts'], workers: 2 },
];

for (const { name, args, workers } of ways) {
  test(`hello-world ${name}`, async () => {
    const port = await freePort();
    const dir = mkdtempSync(join(tmpdir(), 'tutti-hello-'));
    const mark = randomUUID();
    const env = {
      PORT: String(port),
      HOLD_MS: '1',
      TUTTI_WORKERS: '2',
      TUTTI_HOME: dir,
      TMPDIR: dir,
      [MARK_VARIABLE]: mark,
    };
    const primary = spawn(node, args, {
      cwd: root,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    try {
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
      const end = await within('its end', endOf(primary));
      // Alone, it has no handler and dies of the signal, as any node program.
      assert.deepEqual(end, workers === 1 ? { code: null, signal: 'SIGTERM' } : { code: 0, signal: null });
      assert.deepEqual(markedProcesses(mark), []);
    } finally {
      for (const { pid } of markedProcesses(mark)) process.kill(pid, 'SIGKILL');
      rmSync(dir, { recursive: true });
    }
  });
}

function endOf(program: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((done) => program.once('exit', (code, signal) => done({ code, signal })));
}
