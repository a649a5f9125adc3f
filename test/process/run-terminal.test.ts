// What a person sees: `tutti run` on a terminal, made by script(1).

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { MARK_VARIABLE, markedProcesses } from '../support/processes.ts';

const binPath = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
const fixture = fileURLToPath(new URL('../fixtures/hello.cjs', import.meta.url));
const node = process.env.TUTTI_TEST_NODE ?? process.execPath;
const hasScript = spawnSync('script', ['--version']).status === 0;

test('a terminal shows the primary, each worker, the URL and what to try; Ctrl-C ends it', {
  skip: !hasScript,
}, async () => {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'tutti-terminal-'));
  const mark = randomUUID();
  // exec: the shell between would get the Ctrl-C too, and end with a code of its own.
  const command = `exec ${node} ${binPath} run ${fixture} -i 2 --name hello`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: dir,
    env: {
      PATH: process.env.PATH ?? '',
      TERM: 'xterm',
      PORT: String(port),
      TUTTI_HOME: dir,
      TMPDIR: dir,
      [MARK_VARIABLE]: mark,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    let shown = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const ended = new Promise<number | null>((done) => terminal.once('close', done));
    await eventually('the hints', () => shown.includes('Ctrl-C'));
    const plain = withoutColors(shown);
    assert.match(plain, /hello: 2 workers, primary \d+, node v\d+/);
    assert.match(plain, /worker 0 \(pid \d+\) ready after [\d.]+ m?s/);
    assert.match(plain, /worker 1 \(pid \d+\) ready after [\d.]+ m?s/);
    assert.match(plain, new RegExp(`ready: http://localhost:${port}`));
    assert.match(plain, new RegExp(`open http://localhost:${port} twice`));
    assert.match(plain, /kill -9 \d+ +a new worker takes its place/);
    assert.ok(shown.includes('\u001b['), 'in colour');
    terminal.stdin.write('\u0003');
    assert.equal(await ended, 0);
    assert.match(withoutColors(shown), /stopping: SIGINT[\s\S]*stopped: SIGINT/);
    assert.deepEqual(markedProcesses(mark), []);
  } finally {
    for (const { pid } of markedProcesses(mark)) process.kill(pid, 'SIGKILL');
    rmSync(dir, { recursive: true });
  }
});

test("on a terminal the workers' lines carry their slot", { skip: !hasScript }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tutti-terminal-'));
  const mark = randomUUID();
  const program = join(dir, 'app.cjs');
  const source =
    "console.log('to out'); console.error('to err'); process.stdout.write('no newline'); setTimeout(() => {}, 1e8);";
  spawnSync(node, ['-e', `require('fs').writeFileSync(${JSON.stringify(program)}, ${JSON.stringify(source)})`]);
  const command = `exec ${node} ${binPath} run ${program} -i 1 --ready started`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: dir,
    env: {
      PATH: process.env.PATH ?? '',
      TERM: 'xterm',
      NO_COLOR: '1',
      TUTTI_HOME: dir,
      TMPDIR: dir,
      [MARK_VARIABLE]: mark,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    let shown = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const ended = new Promise<number | null>((done) => terminal.once('close', done));
    await eventually('the hints', () => shown.includes('Ctrl-C'));
    await eventually('the output', () => /^\[0\] to out/m.test(shown) && /^\[0\] to err/m.test(shown));
    assert.ok(!shown.includes('\u001b['), 'without colour');
    terminal.stdin.write('\u0003');
    assert.equal(await ended, 0);
    assert.match(shown, /^\[0\] no newline/m);
  } finally {
    for (const { pid } of markedProcesses(mark)) process.kill(pid, 'SIGKILL');
    rmSync(dir, { recursive: true });
  }
});

function withoutColors(text: string): string {
  return stripVTControlCharacters(text);
}
