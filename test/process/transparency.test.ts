// Promise: an unmodified server behaves as under plain node. The same fixture is started both ways and compared.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { freePort } from '../support/free-port.ts';
import { binPath, nodePath, type Rig, root, startRig } from '../support/rig.ts';

interface Mirror {
  argv: string[];
  argv0: string;
  execArgv: string[];
  env: Record<string, string>;
  title: string;
  isMain: boolean;
  mainPath: string;
  cached: string[];
  cwd: string;
  stdoutIsTTY: boolean;
  signals: string[];
  globals: string[];
  messages: unknown[];
}

const mirror = `${root}test/fixtures/mirror.cjs`;

/** What the same program sees when node alone runs it, in the rig's folder and environment. */
async function plainNode(rig: Rig, nodeArgs: string[], args: string[]): Promise<Mirror> {
  const port = await freePort();
  const env = rig.environment({ PORT: String(port) });
  const server = spawn(nodePath, [...nodeArgs, mirror, ...args], {
    cwd: rig.dir,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    return await eventually(
      'the plain server to answer',
      async () => JSON.parse((await fetch({ port })).body) as Mirror,
    );
  } finally {
    server.kill('SIGKILL');
    await eventually('the plain server to end', () => server.signalCode !== null);
  }
}

test('argv, execArgv, main module, environment, globals and signal handlers are those of plain node', async () => {
  const args = ['--verbose', 'a b', '-i', '3'];
  const nodeArgs = ['--max-old-space-size=300', '--no-warnings'];
  await using rig = await startRig({ fixture: mirror, args, flags: { workers: 1, 'node-arg': nodeArgs } });
  const plain = await plainNode(rig, nodeArgs, args);
  const ours = JSON.parse((await rig.fetch()).body) as Mirror;

  const different = new Set(
    [...Object.keys(plain.env), ...Object.keys(ours.env)].filter((name) => plain.env[name] !== ours.env[name]),
  );
  different.delete('PORT');
  for (const name of different) assert.match(name, /^(TUTTI_|NODE_APP_INSTANCE$)/, `${name} is not ours to set`);
  assert.equal(ours.env.NODE_APP_INSTANCE, '0');
  const { env: _plainEnv, ...plainRest } = plain;
  const { env: _ourEnv, ...ourRest } = ours;
  assert.deepEqual(ourRest, plainRest);
});

test('main guards hold: require.main, argv[1], import.meta.main', async () => {
  for (const fixture of ['cjs-main-guard.cjs', 'esm.mjs']) {
    await using rig = await startRig({ fixture, flags: { workers: 1 } });
    assert.equal((await rig.fetch()).status, 200);
  }
});

test("an unhandled rejection kills the worker with node's own message", async () => {
  await using rig = await startRig({ fixture: 'unhandled-rejection.cjs' });
  await assert.rejects(rig.fetch('/reject'));
  const exit = await rig.waitFor('worker-exit');
  assert.equal(exit.code, 1);
  assert.equal(exit.reason, 'crashed');
  await eventually('the message', () => /Error: nobody handles this\n\s+at /.test(rig.stderr));
  assert.match((exit.lastLines ?? []).join('\n') + String(exit.detail), /nobody handles this/);
  await rig.untilReady(2);
});

test('process.exit(7) is seen as code 7', async () => {
  await using rig = await startRig({ fixture: 'exits-7.cjs' });
  await assert.rejects(rig.fetch('/exit'));
  const exit = await rig.waitFor('worker-exit');
  assert.equal(exit.code, 7);
  await rig.untilReady(2);
});

test("process.on('message') sees none of our messages, also over a reload's drain", async () => {
  await using rig = await startRig({ fixture: mirror, flags: { balance: 'least-connections' } });
  await rig.reload();
  await rig.untilReady(2);
  assert.deepEqual((JSON.parse((await rig.fetch()).body) as Mirror).messages, []);
});

test("readiness by message: process.send('ready') is heard", async () => {
  await using rig = await startRig({
    fixture: 'says-ready.cjs',
    env: { READY_MS: '300' },
    flags: { ready: 'message' },
  });
  for (const event of rig.events.all('worker-ready')) assert.ok(Number(event.bootMs) >= 300, JSON.stringify(event));
});

test('a program that runs to its end is over, and tutti says so', async () => {
  await using rig = await startRig({
    fixture: 'exits-0.cjs',
    ready: 0,
    flags: { workers: 1, ready: 'started', restart: 'on-failure' },
  });
  const exit = await rig.waitFor('worker-exit');
  assert.equal(exit.code, 0);
  assert.equal(exit.reason, 'finished');
  assert.match(rig.stdout, /^done$/m);
  await rig.end();
});

test('output reaches a pipe as it is', async () => {
  await using rig = await startRig({
    fixture: 'never-listens.cjs',
    ready: 0,
    flags: { ready: 'started', 'log-format': 'raw' },
  });
  await eventually('the line', () => rig.stderr.includes('never-listens: waiting for something that does not come\n'));
  await rig.end();
});

test('on a terminal, with raw output, the application sees the terminal', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 1 } });
  const port = await freePort();
  const command = `exec ${nodePath} ${binPath} run ${mirror} --workers 1 --log-format raw`;
  const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: rig.dir,
    env: rig.environment({ PORT: String(port) }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const seen = await eventually(
    'the server on the terminal',
    async () => JSON.parse((await fetch({ port })).body) as Mirror,
  );
  assert.equal(seen.stdoutIsTTY, true, output);
  // Ctrl-C, as a terminal delivers it.
  terminal.stdin.write('\x03');
  await eventually('the end', () => terminal.exitCode !== null);
  assert.equal(terminal.exitCode, 0, output);
});

test('what the application forks does not load our preload', async () => {
  await using rig = await startRig({ fixture: 'forks.cjs', flags: { workers: 1 } });
  const { execArgv, env } = JSON.parse((await rig.fetch()).body) as { execArgv: string[]; env: string[] };
  assert.deepEqual(execArgv, []);
  assert.ok(!env.includes('TUTTI_BOOT'));
  assert.ok(!env.includes('NODE_OPTIONS'));
});

test('threads of the application see none of our arguments', async () => {
  await using rig = await startRig({
    fixture: 'thread.cjs',
    ready: 0,
    flags: { workers: 1, 'node-arg': '--no-deprecation' },
  });
  await eventually('both have spoken', () => rig.stdout.includes('forked ['));
  assert.match(rig.stdout, /thread \["--no-deprecation"\] \nforked \["--no-deprecation"\] \n/);
});
