// Promise: whatever stands where the log file should be, the app serves and always ends, what is lost is told, and nothing of
// somebody else is renamed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lastRecords } from '../../src/logs/workers/read-log.ts';
import { runCommand } from '../support/command.ts';
import { eventually, within } from '../support/eventually.ts';
import { processesBelow } from '../support/processes.ts';
import { binPath, type Flags, nodePath, type Rig, root, startRig } from '../support/rig.ts';

function folder(t: TestContext): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'log-files-')));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const noisy: { fixture: string; env: Record<string, string> } = { fixture: 'floods.cjs', env: { RATE_MB: '1' } };

async function endsWell(rig: Rig): Promise<void> {
  const since = Date.now();
  const { code } = await rig.end('SIGTERM');
  assert.equal(code, 0, rig.story());
  assert.ok(Date.now() - since < 20_000, `it took ${Date.now() - since} ms`);
}

test('a pipe that nobody reads holds nobody up; who reads it later gets the lines', async (t) => {
  const fifo = join(folder(t), 'app.log');
  execFileSync('mkfifo', [fifo]);
  await using rig = await startRig({ ...noisy, flags: { workers: 1, 'log-file': fifo } });
  const lost = await rig.waitFor('output-lost');
  assert.deepEqual([lost.file, lost.reason], [fifo, 'it is a pipe that nobody reads (ENXIO)']);
  // A pipe is for its reader: who asks for past lines neither waits nor takes some.
  const asked = await within('the past lines of a pipe', lastRecords(fifo, 10), 5000);
  assert.deepEqual(asked.records, []);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const drained = setInterval(() => readSome(reader), 5);
  t.after(() => closeSync(reader));
  try {
    await rig.waitFor('output-restored');
  } finally {
    clearInterval(drained);
  }
  assert.equal(rig.events.all('output-lost').length, 1);
  await endsWell(rig);
});

test('a descriptor beyond stderr that the primary has inherited is written, and not renamed', async (t) => {
  const dir = folder(t);
  await using rig = await redirected(dir, { workers: 1, 'log-file': '/dev/fd/3', 'log-max-size': '2K' });
  await eventually('lines', () => readFileSync(join(dir, 'third.log'), 'utf8').length > 20_000);
  assert.deepEqual(readdirSync(dir).sort(), ['out.log', 'third.log']);
  assert.equal((await rig.end()).code, 0);
});

function readSome(fd: number): void {
  try {
    while (readFileSync(fd).length > 0);
  } catch {
    // EAGAIN: nothing there now.
  }
}

test('a disk that is full is told once, and does not delay the end', async () => {
  await using rig = await startRig({ ...noisy, flags: { workers: 1, 'log-file': '/dev/full' } });
  const lost = await rig.waitFor('output-lost');
  assert.match(String(lost.reason), /ENOSPC/);
  await endsWell(rig);
  assert.equal(rig.events.all('output-lost').length, 1);
});

test('a log file that can never be written ends the start at once, with the reason', async (t) => {
  const server = "require('node:http').createServer((q, r) => r.end('ok')).listen(0);";
  const files = { 'server.js': server, 'logs/': '', 'a-file': '' };
  const isRoot = process.getuid?.() === 0;
  const cases: [string, RegExp, number?][] = [
    ['logs', /EISDIR/],
    ['a-file/app.log', /ENOTDIR/],
    ['/proc/nope/app.log', /ENOENT/],
    [`${'x'.repeat(300)}.log`, /ENAMETOOLONG/],
    ['/dev/fd/77', /EBADF/],
    ...(isRoot ? ([['/root/app.log', /EACCES/, 12_345]] as [string, RegExp, number][]) : []),
  ];
  for (const command of ['run', 'start']) {
    for (const [path, reason, uid] of cases) {
      await t.test(`${command} ${path.slice(0, 30)}`, async () => {
        const { code, stderr, left } = await runCommand(
          [command, 'server.js', '-n', 'web', '-i', '1', '--log-file', path],
          {
            files,
            ...(uid === undefined ? {} : { uid }),
          },
        );
        assert.equal(code, 78, stderr);
        assert.match(stderr, /Cannot write the workers' output to /);
        assert.match(stderr, reason);
        assert.match(stderr, /ERR_LOG_FILE/);
        // The process in the background has told why it ends, and is about to.
        if (command === 'run') assert.deepEqual(left, []);
      });
    }
  }
});

/** tutti run, its stdout and stderr appended to out.log in `dir`. */
async function redirected(dir: string, flags: Flags): Promise<Rig> {
  const list = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const fixture = join(root, 'test/fixtures/floods.cjs');
  const run = [nodePath, binPath, 'run', fixture, ...list];
  return startRig({
    ...noisy,
    flags: {},
    command: ['-e', shell, `${dir}/out.log`, ...run],
    ready: 0,
  });
}

/** As `exec "$@" >>out.log`, with the pid that the rig knows. */
const shell = `
const { openSync } = require('node:fs');
const { spawn } = require('node:child_process');
const [file, program, ...args] = process.argv.slice(1);
const out = openSync(file, 'a');
const third = args.includes('/dev/fd/3') ? [openSync(file.replace('out', 'third'), 'a')] : [];
const child = spawn(program, args, { stdio: ['ignore', out, 'inherit', ...third] });
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => { process.exitCode = code; });
`;

for (const [title, name, flags] of [
  ['/dev/stdout', (_dir: string) => '/dev/stdout', {}],
  [
    'a link to a descriptor',
    (dir: string) => {
      symlinkSync('/proc/self/fd/1', join(dir, 'link'));
      return join(dir, 'link');
    },
    {},
  ],
  [
    'a descriptor below a linked folder',
    (dir: string) => {
      symlinkSync('/proc/self/fd', join(dir, 'fds'));
      return join(dir, 'fds/1');
    },
    { 'log-format': 'json' },
  ],
] as const) {
  test(`${title} is never renamed, also when stdout is a file`, async (t) => {
    const dir = folder(t);
    const logFile = name(dir);
    await using rig = await redirected(dir, { workers: 1, 'log-file': logFile, 'log-max-size': '2K', ...flags });
    const out = join(dir, 'out.log');
    const text = await eventually('more than 20 times the size of a rotation', () => {
      const now = existsSync(out) ? readFileSync(out, 'utf8') : '';
      return now.length > 40_960 ? now : null;
    });
    assert.ok(
      readdirSync(dir).every((entry) => /^(out\.log|link|fds)$/.test(entry)),
      readdirSync(dir).join(),
    );
    if (logFile !== '/dev/stdout' && logFile.endsWith('link')) assert.ok(lstatSync(logFile).isSymbolicLink());
    const numbers = [...text.matchAll(/(\d{20}) x{78}/g)].map(([, number]) => Number(number));
    assert.ok(
      numbers.every((number, i) => number === i),
      'every line, in order',
    );
    assert.equal((await rig.end()).code, 0);
  });
}

test('of a symbolic link the file behind it rotates, and the link stays', async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'disk'));
  symlinkSync('disk/app.log', join(dir, 'app.log'));
  await using rig = await startRig({
    ...noisy,
    flags: { workers: 1, 'log-file': join(dir, 'app.log'), 'log-max-size': '50K', 'log-keep': 2 },
  });
  await eventually('rotated files beside the target', () => existsSync(join(dir, 'disk/app.log.2.gz')));
  assert.ok(lstatSync(join(dir, 'app.log')).isSymbolicLink());
  assert.deepEqual(readdirSync(dir).sort(), ['app.log', 'disk']);
  const { records } = await lastRecords(join(dir, 'app.log'), 1200);
  assert.ok(records.length >= 600, `the rotated files are read too: ${records.length} lines`);
  await endsWell(rig);
});

test('a socket that was cleaned away is made again: new workers are logged, and by the same process', async (t) => {
  const file = join(folder(t), 'app.log');
  await using rig = await startRig({
    fixture: 'says.cjs',
    flags: { workers: 1, 'log-file': file, 'log-format': 'json' },
  });
  const writer = (): number | undefined =>
    processesBelow(rig.pid).find(({ command }) => command.includes('log-writer'))?.pid;
  const before = writer();
  const scratch = join(rig.environment().TMPDIR as string);
  for (const name of readdirSync(scratch)) rmSync(join(scratch, name), { recursive: true, force: true });
  const [old] = rig.workers();
  process.kill(old as number, 'SIGKILL');
  await eventually('a line of the next worker', () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .some((line) => line.includes('says it runs') && !line.includes(`"pid":${old},`)),
  );
  assert.equal(writer(), before);
  await endsWell(rig);
});
