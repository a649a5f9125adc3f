// Promise: what a client has begun is finished, whatever protocol it speaks, and no client pins a worker for ever.

import assert from 'node:assert/strict';
import { connect as connectH2 } from 'node:http2';
import { Agent, request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { writeCertificate } from '../support/certificate.ts';
import { eventually, within } from '../support/eventually.ts';
import { isAlive } from '../support/processes.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { Sandbox } from '../support/sandbox.ts';

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket));
    socket.once('error', reject);
  });
}

function answerOn(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (/\r\n\r\n.*\n$/s.test(text)) resolve(text);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
  });
}

async function reloaded(rig: Rig): Promise<void> {
  assert.equal((await rig.reload()).type, 'reload-done');
}

test('half-sent request heads are answered once they are whole', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'drain-timeout': '20s' } });
  const sockets = await Promise.all(Array.from({ length: 12 }, () => open(rig.port)));
  for (const socket of sockets) socket.write('GET /half HTTP/1.1\r\nhost: x\r\n');
  // These bytes are with the workers once a later connection has been served by each of them.
  await eventually('both workers to have answered', async () => {
    const pids = await Promise.all(Array.from({ length: 8 }, async () => (await rig.fetch()).pid));
    return new Set(pids).size === 2;
  });
  const from = rig.events.length;
  rig.signal('SIGHUP');
  await rig.waitFor('worker-draining', { from });
  const answers = sockets.map(answerOn);
  for (const socket of sockets) socket.write('x-rest: 1\r\n\r\n');
  for (const text of await within('the answers', Promise.all(answers))) assert.match(text, /^HTTP\/1\.1 200/);
  for (const socket of sockets) socket.destroy();
  await rig.waitFor('reload-done', { from });
});

test('connections opened in advance are served by whoever holds them, also after a reload', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'drain-timeout': '20s' } });
  const sockets = await Promise.all(Array.from({ length: 12 }, () => open(rig.port)));
  await rig.fetch();
  const from = rig.events.length;
  rig.signal('SIGHUP');
  await rig.waitFor('worker-draining', { from });
  const answers = sockets.map(answerOn);
  for (const socket of sockets) socket.write('GET /late HTTP/1.1\r\nhost: x\r\n\r\n');
  for (const text of await within('the answers', Promise.all(answers))) assert.match(text, /^HTTP\/1\.1 200/);
  for (const socket of sockets) socket.destroy();
  await rig.waitFor('reload-done', { from });
});

test('clients that never say anything do not pin a worker', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'drain-timeout': '8s' } });
  const old = rig.ready();
  const silent = await Promise.all(Array.from({ length: 8 }, () => open(rig.port)));
  const half = await Promise.all(Array.from({ length: 8 }, () => open(rig.port)));
  for (const socket of [...silent, ...half]) socket.on('error', () => {});
  for (const socket of half) socket.write('GET / HTTP/1.1\r\n');
  await rig.fetch();
  await reloaded(rig);
  await eventually('the old workers to leave', () => !old.some(isAlive), { deadlineMs: 25_000 });
  for (const socket of [...silent, ...half]) socket.destroy();
});

test('HTTPS: keep-alive clients notice nothing, a request in flight is answered', async () => {
  await using sandbox = new Sandbox();
  const { certFile, keyFile } = writeCertificate(sandbox.dir);
  await using tls = await startRig({
    fixture: 'tls.cjs',
    env: { CERT_FILE: certFile, KEY_FILE: keyFile },
    flags: { 'drain-timeout': '20s' },
  });
  const ask = (agent: Agent, ms: number) =>
    new Promise<number>((resolve, reject) => {
      const outgoing = request(
        { port: tls.port, host: 'localhost', path: `/?ms=${ms}`, agent, rejectUnauthorized: false },
        (response) => {
          response.resume().on('end', () => resolve(Number(response.headers['x-pid'])));
          response.on('error', reject);
        },
      );
      outgoing.on('error', reject).end();
    });
  let over = false;
  const clients = Array.from({ length: 8 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const seen = new Set<number>();
    for (let n = 0; !over || n < 5; n += 1) seen.add(await ask(agent, n % 5));
    agent.destroy();
    return seen;
  });
  const old = tls.ready();
  const slow = ask(new Agent(), 1_500);
  await ask(new Agent(), 50);
  await reloaded(tls);
  assert.ok(old.includes(await slow));
  await eventually('the old workers to leave', () => !old.some(isAlive));
  over = true;
  for (const seen of await Promise.all(clients)) assert.ok(seen.size >= 2, 'each client met an old and a new worker');
});

test('HTTP/2: GOAWAY, and the streams in flight finish', async () => {
  await using rig = await startRig({ fixture: 'http2.cjs', flags: { 'drain-timeout': '20s' } });
  const old = rig.ready();
  const session = connectH2(`http://127.0.0.1:${rig.port}`);
  session.on('error', () => {});
  const goaway = new Promise<void>((resolve) => session.once('goaway', () => resolve()));
  const ask = (ms: number) =>
    new Promise<{ status: number; pid: number; body: string }>((resolve, reject) => {
      const stream = session.request({ ':path': `/?ms=${ms}` });
      let head: { status: number; pid: number } = { status: 0, pid: 0 };
      let body = '';
      stream.on('response', (headers) => {
        head = { status: Number(headers[':status']), pid: Number(headers['x-pid']) };
      });
      stream.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      stream.on('end', () => resolve({ ...head, body }));
      stream.on('error', reject);
    });
  const slow = Array.from({ length: 10 }, (_, i) => ask(1_000 + i * 100));
  await ask(10);
  const reload = rig.reload();
  await within('GOAWAY', goaway);
  for (const answer of await Promise.all(slow)) {
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'hello\n');
    assert.ok(old.includes(answer.pid));
  }
  assert.equal((await reload).type, 'reload-done');
  session.close();
  await eventually('the old workers to leave', () => !old.some(isAlive));
});

test('WebSocket: stays open through the drain, until its client leaves', async () => {
  await using rig = await startRig({ fixture: 'websocket.cjs', flags: { 'drain-timeout': '30s' } });
  const old = rig.ready();
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}`);
  const echo = async (text: string) => {
    const answer = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send(text);
    return within(`an echo of ${text}`, answer);
  };
  await new Promise((resolve) => socket.once('open', resolve));
  const before = await echo('before');
  const from = rig.events.length;
  rig.signal('SIGHUP');
  await rig.waitFor((event) => event.type === 'worker-ready' && event.generation === 2, { from });
  await eventually('the worker of the socket to drain', () =>
    rig.events.all('worker-draining').some(({ pid }) => before.startsWith(`${pid} `)),
  );
  assert.equal(await echo('during'), before.replace('before', 'during'), 'the same worker');
  socket.close();
  await rig.waitFor('reload-done', { from });
  await eventually('the old workers to leave', () => !old.some(isAlive));
});

test('WebSocket: drainTimeout ends it', async () => {
  await using rig = await startRig({
    fixture: 'websocket.cjs',
    flags: { 'drain-timeout': '1s', 'stop-timeout': '500ms' },
  });
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}`);
  await new Promise((resolve) => socket.once('open', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  await reloaded(rig);
  await within('the socket to close', closed);
  assert.ok(
    rig.events.all('worker-drained').some(({ left }) => (left as string[]).length > 0),
    'what was still open is reported',
  );
});
