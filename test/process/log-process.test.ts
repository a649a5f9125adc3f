// The log process with real writers: lines stay whole, files rotate, floods and lost readers stop nobody.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { LogProcess } from '../../src/logs/workers/log-process.ts';
import type { LogRecord } from '../../src/logs/workers/record.ts';
import { isAlive } from '../support/processes.ts';

// As they are built: the log process is a file beside them in dist/.
const built = (name: string): string => new URL(`../../dist/tests/${name}.js`, import.meta.url).href;
const logProcess: typeof import('../../src/logs/workers/log-process.ts') = await import(built('log-process'));
const { follow, lastRecords }: typeof import('../../src/logs/workers/read-log.ts') = await import(built('read-log'));

interface Bench {
  folder: string;
  file: string;
  logs: LogProcess;
  write(slot: number, script: string): Promise<ChildProcess>;
}

interface Options {
  maxSizeBytes?: number;
  keep?: number;
  format?: 'json' | 'raw';
}

async function bench(t: TestContext, { maxSizeBytes, keep = 3, format = 'json' }: Options = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-log-'));
  const file = join(folder, 'logs', 'app.log');
  const logs = await logProcess.LogProcess.start({
    ...{ socket: join(folder, 'log.sock'), secret: 'known to the test' },
    format,
    file: { file, maxSizeBytes: maxSizeBytes ?? null, maxAgeMs: null, keep },
  });
  t.after(async () => {
    await logs.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const write = async (slot: number, script: string): Promise<ChildProcess> => {
    const { id, stdout, stderr } = await logs.open({ slot, generation: 1 });
    const worker = spawn(process.execPath, ['-e', script], { stdio: ['pipe', stdout, stderr] });
    logs.announce(id, worker.pid as number);
    stdout.destroy();
    stderr.destroy();
    return worker;
  };
  return { folder, file, logs, write };
}

async function until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await done())) {
    assert.ok(Date.now() < deadline, `waited in vain: ${what}`);
    await delay(10);
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

test('lines of two workers stay whole and say whose they are', async (t) => {
  const { file, write } = await bench(t);
  const script = (prefix: string): string =>
    `for (let i = 0; i < 2000; i++) { process.stdout.write(${JSON.stringify(prefix)} + i); process.stdout.write(' end\\n') } console.error('bad')`;
  const [a, b] = await Promise.all([write(0, script('äöü€😀 ')), write(1, script('plain '))]);
  await Promise.all([once(a, 'exit'), once(b, 'exit')]);
  await until(async () => (await lastRecords(file, 5000)).records.length === 4002, 'all lines');
  const { records } = await lastRecords(file, 5000);
  for (const [worker, slot, prefix] of [
    [a, 0, 'äöü€😀 '],
    [b, 1, 'plain '],
  ] as const) {
    const mine = records.filter((record) => record.slot === slot);
    assert.ok(mine.every((record) => record.pid === worker.pid && record.generation === 1));
    assert.deepEqual(
      mine.filter((record) => record.stream === 'out').map((record) => record.line),
      Array.from({ length: 2000 }, (_, i) => `${prefix}${i} end`),
    );
    assert.deepEqual(
      mine.filter((record) => record.stream === 'err').map((record) => record.line),
      ['bad'],
    );
  }
  assert.equal((await lastRecords(file, 3, { slot: 1 })).records.length, 3);
});

test('a file rotates by size, is compressed, and the oldest go; readers reach back and follow through it', async (t) => {
  const { file, folder, write } = await bench(t, { maxSizeBytes: 200_000, keep: 2 });
  const abort = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const record of follow(file, 0, {}, abort.signal)) seen.push(record.line);
  })();
  const script = `let i = 0; const t = setInterval(() => { for (let k = 0; k < 50; k++) console.log('line ' + i++); if (i >= 8000) clearInterval(t) }, 5)`;
  await once(await write(0, script), 'exit');
  await until(() => seen.at(-1) === 'line 7999', 'the follower to see the last line');
  abort.abort();
  await reading;
  const names = () => readdirSync(join(folder, 'logs')).sort();
  await until(() => names().join() === 'app.log,app.log.1.gz,app.log.2.gz', `rotated files: ${names()}`);
  const { records } = await lastRecords(file, 3000);
  const numbers = records.map((record) => Number(record.line.slice(5)));
  assert.equal(numbers.at(-1), 7999);
  assert.ok(
    numbers.every((number, i) => i === 0 || number === (numbers[i - 1] as number) + 1),
    'in order, across files',
  );
  assert.ok(numbers.length > 2000, `reached back ${numbers.length} lines`);
});

test('reopen() writes to a new file after somebody renamed the old one', async (t) => {
  const { file, logs, write } = await bench(t, { format: 'raw' });
  await once(await write(0, `console.log('before')`), 'exit');
  await until(() => text(file) === 'before\n', 'the first line');
  renameSync(file, `${file}.moved`);
  logs.reopen();
  // the control line and the worker's line come on different connections
  await until(() => readdirSync(join(file, '..')).length === 2, 'the new file');
  await once(await write(0, `console.log('after')`), 'exit');
  await until(() => text(file) === 'after\n', 'the line in the new file');
  assert.equal(text(`${file}.moved`), 'before\n');
});

test('a flood of 100 MB ends, and the log process stays small', async (t) => {
  const { file, logs, write } = await bench(t, { maxSizeBytes: 20_000_000, keep: 1 });
  const script = `const block = ('x'.repeat(99) + '\\n').repeat(10_000); let left = 100; (function more() { process.stdout.write(block, () => { if (--left > 0) more() }) })()`;
  const worker = await write(0, script);
  const before = rssMegabytes(logs.pid);
  let peak = before;
  let ended = false;
  worker.once('exit', () => {
    ended = true;
  });
  await until(() => {
    peak = Math.max(peak, rssMegabytes(logs.pid));
    return ended;
  }, 'the worker to get rid of its output');
  await until(async () => (await lastRecords(file, 1)).records.length === 1, 'lines in the file');
  assert.ok(peak - before < 150, `the log process grew from ${before} to ${peak} MB`);
});

test('lines come out although the primary has gone', async (t) => {
  const { file, logs, write } = await bench(t, { format: 'raw' });
  const worker = await write(0, `setTimeout(() => console.log('last words'), 300)`);
  const closed = logs.close();
  await once(worker, 'exit');
  await closed;
  assert.equal(text(file), 'last words\n');
});

function rssMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

test('a compressed file that is cut off is shown as far as it goes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'app.log');
  writeFileSync(file, 'newest\n');
  const older = gzipSync(Array.from({ length: 5000 }, (_, i) => `line ${i} ${Math.random()}\n`).join(''));
  writeFileSync(`${file}.1.gz`, older.subarray(0, older.length / 2));
  const { records } = await lastRecords(file, 10);
  assert.equal(records.length, 10);
  assert.equal(records.at(-1)?.line, 'newest');
  assert.match(String(records[0]?.line), /^line \d+/);
});

test('what a worker left behind, with its output still open, does not keep the end waiting', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-log-'));
  const logs = await logProcess.LogProcess.start({
    socket: join(folder, 'log.sock'),
    secret: 's',
    format: 'raw',
    file: null,
  });
  const { stdout, stderr } = await logs.open({ slot: 0, generation: 1 });
  t.after(async () => {
    stdout.destroy();
    stderr.destroy();
    await until(() => !isAlive(logs.pid), 'the log process ends by itself');
    rmSync(folder, { recursive: true, force: true });
  });
  await logs.close();
  assert.ok(isAlive(logs.pid));
});

test('a log process that is killed costs the primary nothing but its output', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-log-'));
  const logs = await logProcess.LogProcess.start({
    socket: join(folder, 'log.sock'),
    secret: 's',
    format: 'raw',
    file: null,
  });
  const { stdout, stderr } = await logs.open({ slot: 0, generation: 1 });
  // In the primary the connection may break while it is not given to anybody yet: that must not be an error of its program.
  process.kill(logs.pid, 'SIGKILL');
  await until(() => stdout.closed && stderr.closed && !isAlive(logs.pid), 'the log process is dead');
  await assert.rejects(logs.open({ slot: 0, generation: 1 }));
  await logs.close();
  t.after(() => rmSync(folder, { recursive: true, force: true }));
});

test('a log file that was removed, renamed or emptied by others goes on under its name', async (t) => {
  const { file, write } = await bench(t, { format: 'raw' });
  await using worker = talker(await write(0, ECHO));
  await worker.say('first');
  await until(() => text(file) === 'first\n', 'the first line');
  rmSync(file);
  await until(() => existsSync(file), 'the removed file, though nothing was written');
  await worker.say('second');
  await until(() => text(file) === 'second\n', 'the line in the new file');
  // As logrotate does with `create`.
  renameSync(file, `${file}.old`);
  writeFileSync(file, '');
  await until(async () => {
    await worker.say('third');
    return text(file).startsWith('third\n');
  }, 'the line in the file that was put in its place');
  assert.match(text(`${file}.old`), /^second\n(third\n)*$/);
  // As with `copytruncate`.
  truncateSync(file);
  await worker.say('fourth');
  await until(() => /^(third\n)*fourth\n$/.test(text(file)), 'the line at the beginning of the emptied file');
});

test('a line of 5 MB stays whole in raw, and comes in marked pieces in json', async (t) => {
  const long = `process.stdout.write('ab'.repeat(2_500_000) + '\\n')`;
  const raw = await bench(t, { format: 'raw' });
  // Together less than what a slow disk may have to leave waiting.
  const shorter = `process.stdout.write('c'.repeat(2_000_000) + '\\n')`;
  const others = `let n = 0; const t = setInterval(() => { console.log('other'); if (++n === 200) clearInterval(t) }, 1)`;
  const workers = [await raw.write(0, long), await raw.write(1, others), await raw.write(2, shorter)];
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  await until(() => text(raw.file).length === 5_000_001 + 2_000_001 + 200 * 6, 'every byte');
  const counts = new Map<string, number>();
  for (const line of text(raw.file).trimEnd().split('\n')) {
    const what = line.length > 1000 ? `${line.slice(0, 2)} ${line.length}` : line;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries(counts), { other: 200, 'ab 5000000': 1, 'cc 2000000': 1 });

  const json = await bench(t, { format: 'json' });
  await once(await json.write(0, long), 'exit');
  // What is written by halves has no slot yet.
  const isLast = (record?: LogRecord) => record?.slot === 0 && record.partial === undefined;
  const records = await eventuallyRecords(json.file, (found) => isLast(found.at(-1)));
  assert.equal(records.map(({ line }) => line).join(''), 'ab'.repeat(2_500_000));
  assert.ok(records.slice(0, -1).every(({ partial }) => partial === true));
});

test('strangers at the socket are not listened to, and end nothing', async (t) => {
  const { folder, file, logs, write } = await bench(t, { format: 'json' });
  await using worker = talker(await write(0, ECHO));
  await worker.say('before');
  const hellos = [
    'garbage\n',
    '\n',
    'null\n',
    '{"role":"control"}\n{"id":1,"pid":1}\n',
    '{"secret":"wrong","role":"stream","id":9,"stream":"out","slot":0,"generation":1}\nforged\n',
    '{"secret":["known to the test"],"role":"control"}\n{"reopen":true}\n',
    `${'x'.repeat(100_000)}\n`,
    Buffer.from([0xff, 0x00, 0x0a]),
  ];
  await Promise.all(
    hellos.map(async (hello) => {
      const stranger = createConnection(join(folder, 'log.sock'));
      stranger.on('error', () => {});
      stranger.write(hello);
      await new Promise((closed) => stranger.once('close', closed));
    }),
  );
  await worker.say('after');
  const records = await eventuallyRecords(file, (found) => found.at(-1)?.line === 'after');
  assert.deepEqual(
    records.map(({ line }) => line),
    ['before', 'after'],
  );
  assert.ok(isAlive(logs.pid));
});

/** Says on stdout what it is told on stdin. */
const ECHO = `process.stdin.pipe(process.stdout)`;

function talker(worker: ChildProcess) {
  return {
    say: (line: string) => new Promise((done) => worker.stdin?.write(`${line}\n`, done)),
    [Symbol.asyncDispose]: async () => {
      const ended = once(worker, 'exit');
      worker.stdin?.end();
      await ended;
    },
  };
}

async function eventuallyRecords(file: string, done: (records: LogRecord[]) => boolean): Promise<LogRecord[]> {
  let records: LogRecord[] = [];
  await until(async () => {
    records = existsSync(file) ? (await lastRecords(file, 10_000)).records : [];
    return records.length > 0 && done(records);
  }, 'the records');
  return records;
}
