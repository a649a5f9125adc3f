// tutti start, tutti logs: what the workers of an app in the background wrote, also after it has ended.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetch } from '../support/fetch.ts';

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
const run = promisify(execFile);

test('tutti logs shows what each worker wrote, follows it, and knows an app that has ended', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'tutti-logs-'));
  const entry = join(home, 'app.cjs');
  const socket = join(home, 'app.sock');
  writeFileSync(
    entry,
    `console.log('boot of slot ' + process.env.TUTTI_SLOT); console.error('to stderr');
     require('node:http').createServer((request, response) => { console.log('asked ' + request.url); response.end(); }).listen(${JSON.stringify(socket)});`,
  );
  const env = { ...process.env, TUTTI_HOME: join(home, 'state') };
  const tutti = (...args: string[]) => run(process.execPath, [bin, ...args], { env, cwd: home });
  t.after(() => rmSync(home, { recursive: true, force: true }));
  await tutti('start', entry, '-n', 'web', '-i', '2');
  try {
    const { stdout } = await tutti('logs', 'web', '--json');
    const records: { slot: number; stream: string; line: string; pid: number }[] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const of = (slot: number): string[] => records.filter((record) => record.slot === slot).map(({ line }) => line);
    assert.deepEqual(of(0).sort(), ['boot of slot 0', 'to stderr']);
    assert.deepEqual(of(1).sort(), ['boot of slot 1', 'to stderr']);
    assert.ok(
      records.every((record) => record.stream === (record.line === 'to stderr' ? 'err' : 'out') && record.pid > 0),
    );
    const one = await tutti('logs', 'web', '--slot', '1', '--lines', '1');
    assert.match(one.stdout, /^\S+ \[1!?\] .*\n$/);
    const none = await tutti('logs', 'web', '--slot', '7');
    assert.deepEqual([none.stdout, none.stderr.startsWith('No line of slot 7 in /')], ['', true]);

    const following = spawn(process.execPath, [bin, 'logs', 'web', '-f', '--lines', '0'], { env, cwd: home });
    const lines = createInterface({ input: following.stdout });
    const ended = new Promise((resolve) => following.once('exit', resolve));
    const asking = setInterval(() => void fetch({ socketPath: socket, path: '/now' }).catch(() => {}), 100);
    try {
      for await (const line of lines) {
        assert.match(line, /\[[01]\] asked \/now$/);
        break;
      }
    } finally {
      clearInterval(asking);
      following.kill('SIGINT');
      await ended;
    }
  } finally {
    await tutti('stop', 'web');
  }
  const after = await tutti('logs', 'web', '--lines', '1000');
  assert.match(after.stdout, /boot of slot 0/);
  assert.match(after.stdout, /asked \/now/);
});

test('tutti logs finds the file that an app chose itself, also after its end', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'tutti-logs-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const env = { ...process.env, TUTTI_HOME: join(home, 'state') };
  const tutti = (...args: string[]) => run(process.execPath, [bin, ...args], { env, cwd: home });
  writeFileSync(join(home, 'job.cjs'), `console.log('by flag'); setInterval(() => {}, 1000);`);
  const app = { name: 'filed', entry: 'job.cjs', ready: 'started', workers: 1, logFile: 'logs/own.log' };
  writeFileSync(join(home, 'tutti.config.json'), JSON.stringify(app));
  for (const start of [
    ['start', 'job.cjs', '-c', 'none', '-n', 'typed', '-i', '1', '--ready', 'started', '--log-file', 'typed.log'],
    ['start', 'filed'],
  ]) {
    await tutti(...start);
    const name = start.includes('typed') ? 'typed' : 'filed';
    await tutti('stop', name);
    assert.match((await tutti('logs', name)).stdout, /\[0\] by flag\n$/);
  }
});

test('tutti logs says what to do where there is no log file', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'tutti-logs-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const env = { ...process.env, TUTTI_HOME: home };
  await assert.rejects(run(process.execPath, [bin, 'logs', 'nothing'], { env }), (error: Error & { code: number }) => {
    assert.equal(error.code, 5);
    return true;
  });
});
