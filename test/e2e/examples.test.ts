// Every example runs as its README says, alone and on several processes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect as connectH2 } from 'node:http2';
import { request } from 'node:https';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { writeCertificate } from '../support/certificate.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { root, Sandbox } from '../support/sandbox.ts';

const example = (path: string) => `${root}examples/${path}`;
/** What Node needs to run TypeScript by itself: nothing from 22.18 on. */
const loader = process.features.typescript ? [] : ['--import', import.meta.resolve('tsx')];

/** Bodies of as many answers as it takes to hear both workers. */
async function bodies(rig: Rig, path = '/'): Promise<string[]> {
  return eventually('both workers to answer', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => rig.fetch(path)));
    const all = answers.map(({ status, body }) => {
      assert.equal(status, 200);
      return body;
    });
    return new Set(all).size === 2 ? all : null;
  });
}

function assertFrom(pids: readonly number[], texts: readonly string[], pattern: RegExp): void {
  for (const text of texts) {
    const pid = Number(pattern.exec(text)?.[1]);
    assert.ok(pids.includes(pid), `${JSON.stringify(text)} is not from one of ${pids}`);
  }
}

test('hello-world, alone', async () => {
  await using rig = await startRig({
    fixture: '-',
    command: [...loader, example('hello-world/server.ts')],
    env: { HOLD_MS: '5' },
    ready: 0,
  });
  const body = await eventually('an answer', async () => (await rig.fetch()).body);
  assert.equal(body, `Hello world from process ${rig.pid}.`);
  assert.deepEqual(await rig.end(), { code: null, signal: 'SIGTERM' });
});

test('hello-world on several processes, with tutti run', async () => {
  await using rig = await startRig({ fixture: example('hello-world/server.ts'), env: { HOLD_MS: '5' } });
  assertFrom(rig.ready(), await bodies(rig), /^Hello world from process (\d+)\.$/);
});

test('hello-world on every core, with the library', async () => {
  await using rig = await startRig({
    fixture: '-',
    command: [...loader, example('hello-world/cluster.ts')],
    env: { HOLD_MS: '5' },
    ready: 0,
  });
  await eventually('a worker to be ready', () => /^worker-ready \d+$/m.test(rig.stderr));
  const { body } = await rig.fetch();
  const pid = Number(/^Hello world from process (\d+)\.$/.exec(body)?.[1]);
  assert.ok(rig.processes().includes(pid) && pid !== rig.pid, body);
  assert.deepEqual(await rig.end('SIGINT'), { code: 0, signal: null });
});

test('npm start runs hello-world and says what to try', async () => {
  await using place = new Sandbox();
  const port = await freePort();
  const env = place.environment({ PORT: String(port), HOLD_MS: '5' });
  const npm = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  try {
    await eventually('the URL', () => output.includes(`http://localhost:${port}`), { deadlineMs: 60_000 });
    assert.match(output, /primary \d+/i);
    assert.match(output, /worker 0 \(pid \d+\) ready/);
  } finally {
    // As Ctrl-C does: to the whole group.
    process.kill(-(npm.pid ?? 0), 'SIGINT');
    await eventually('the end', () => npm.exitCode !== null || npm.signalCode !== null);
  }
});

for (const [name, file, pattern] of [
  ['express', 'express/server.ts', /^Express, process (\d+)\.$/],
  ['fastify', 'fastify/server.ts', /^Fastify, process (\d+)\.$/],
  ['commonjs', 'commonjs/server.js', /^CommonJS, process (\d+)\.$/],
  ['esm-main-guard', 'esm-main-guard/server.js', /^ESM, process (\d+)\.$/],
] as const) {
  test(name, async () => {
    await using rig = await startRig({ fixture: example(file) });
    assertFrom(rig.ready(), await bodies(rig), pattern);
  });
}

test('express and fastify parse what is posted to them', async () => {
  for (const file of ['express/server.ts', 'fastify/server.ts']) {
    await using rig = await startRig({ fixture: example(file), flags: { workers: 1 } });
    const answer = await rig.fetch('/echo', {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    });
    assert.deepEqual(JSON.parse(answer.body), { a: 1 });
  }
});

test('websocket', async () => {
  await using rig = await startRig({ fixture: example('websocket/server.ts'), flags: { 'drain-timeout': '5s' } });
  assertFrom(rig.ready(), await bodies(rig), /^WebSocket echo, process (\d+)\.$/);
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}`);
  await new Promise((resolve) => socket.once('open', resolve));
  const echo = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
  socket.send('hello');
  assertFrom(rig.ready(), [await echo], /^(\d+): hello$/);
  socket.terminate();
});

test('http2-tls, over HTTP/2 and HTTP/1.1', async () => {
  await using place = new Sandbox();
  const { certFile, keyFile } = writeCertificate(place.dir);
  await using rig = await startRig({
    fixture: example('http2-tls/server.ts'),
    env: { TLS_CERT: certFile, TLS_KEY: keyFile },
  });
  const session = connectH2(`https://localhost:${rig.port}`, { rejectUnauthorized: false });
  const over2 = await new Promise<string>((resolve, reject) => {
    let text = '';
    const stream = session.request({ ':path': '/' });
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('end', () => resolve(text)).on('error', reject);
  });
  session.close();
  const over1 = await new Promise<string>((resolve, reject) => {
    request({ port: rig.port, host: 'localhost', rejectUnauthorized: false, agent: false }, (response) => {
      response.setEncoding('utf8').once('data', resolve);
    })
      .on('error', reject)
      .end();
  });
  assertFrom(rig.ready(), [over2], /^HTTP\/2\.0 over TLS, process (\d+)\.$/);
  assertFrom(rig.ready(), [over1], /^HTTP\/1\.1 over TLS, process (\d+)\.$/);
});
