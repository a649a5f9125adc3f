// The drain of HTTPS, HTTP/2 and WebSocket servers that know nothing of it, against one real worker.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import WebSocket from 'ws';
import { writeCertificate } from '../support/certificate.ts';
import { eventually } from '../support/eventually.ts';
import { connect, type RawClient } from '../support/raw-client.ts';
import { endWorkers, fixture, RigWorker } from '../support/worker-rig.ts';

let folder = '';
let env: NodeJS.ProcessEnv = {};
const clients: { destroy(): void }[] = [];

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-secure-'));
  const { certFile, keyFile } = writeCertificate(folder);
  env = { CERT_FILE: certFile, KEY_FILE: keyFile };
});
after(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await endWorkers();
});

async function open(port: number, options = {}): Promise<RawClient> {
  const client = await connect(port, options);
  clients.push(client);
  return client;
}

async function openSession(url: string): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(url, { rejectUnauthorized: false });
  clients.push(session);
  session.on('error', () => {});
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  return session;
}

interface Answer {
  status: number;
  body: string;
}

function request(session: http2.ClientHttp2Session, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path });
    let status = 0;
    let body = '';
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('data', (chunk) => {
      body += chunk;
    });
    stream.on('end', () => resolve({ status, body }));
    stream.on('error', reject);
  });
}

describe('drain of HTTPS', () => {
  for (const [name, extra] of [
    ['https', {}],
    ['http2 with allowHTTP1', { H2: '1' }],
  ] as const) {
    it(`closes with the next answer, and waits for what is in flight (${name})`, async () => {
      const worker = new RigWorker({ entry: fixture('tls.cjs'), env: { ...env, ...extra } });
      const port = await worker.port();
      const idle = await open(port, { secure: true });
      idle.get('/');
      await idle.until('an answer', ({ answers }) => answers === 1);
      const busy = await open(port, { secure: true });
      busy.get('/?ms=300');
      const unused = await open(port, { secure: true });
      await worker.requestsInFlight(1);
      await worker.beginDrain();
      idle.get('/');
      unused.get('/');
      for (const [client, answers] of [
        [idle, 2],
        [busy, 1],
        [unused, 1],
      ] as const) {
        await client.until('the last answer', (seen) => seen.answers === answers && seen.closed);
        assert.match(client.text, /connection: close/i);
        assert.equal(client.error, null);
      }
      assert.deepEqual((await worker.input('worker-drained')).left, []);
    });

    it(`ends idle, unused and never greeted connections (${name})`, async () => {
      const worker = new RigWorker({ entry: fixture('tls.cjs'), env: { ...env, ...extra } });
      const port = await worker.port();
      const idle = await open(port, { secure: true });
      idle.get('/');
      await idle.until('an answer', ({ answers }) => answers === 1);
      const unused = await open(port, { secure: true });
      const silent = await open(port);
      await eventually('all are seen', () => worker.beats.at(-1)?.connections === 3);
      assert.deepEqual(await worker.drain(1500), []);
      for (const client of [idle, unused, silent]) {
        await client.until('the end', ({ closed }) => closed);
        assert.equal(client.error, null);
      }
    });
  }
});

describe('drain of HTTP/2', () => {
  for (const scheme of ['http', 'https'] as const) {
    it(`sends GOAWAY and finishes the streams (${scheme})`, async () => {
      const secure = scheme === 'https';
      const worker = new RigWorker({
        entry: fixture(secure ? 'tls.cjs' : 'http2.cjs'),
        env: { ...env, H2: '1' },
      });
      const url = `${scheme}://127.0.0.1:${await worker.port()}`;
      const busy = await openSession(url);
      const quiet = await openSession(url);
      // A session may say it twice: when it starts to close and when it is closed.
      const goaway = new Set<string>();
      busy.on('goaway', () => goaway.add('busy'));
      quiet.on('goaway', () => goaway.add('quiet'));
      assert.deepEqual(await request(quiet, '/'), { status: 200, body: 'hello\n' });
      const answers = [request(busy, '/?ms=400'), request(busy, '/?ms=300')];
      await worker.requestsInFlight(2);
      await worker.beginDrain();
      await eventually('both got GOAWAY', () => goaway.size === 2);
      assert.deepEqual(await Promise.all(answers), [
        { status: 200, body: 'hello\n' },
        { status: 200, body: 'hello\n' },
      ]);
      assert.deepEqual((await worker.input('worker-drained')).left, []);
      await eventually('the client sees the end', () => busy.closed && quiet.closed);
      const beat = worker.beats.at(-1);
      assert.equal(beat?.requestsTotal, 3);
    });
  }
});

describe('drain of WebSockets', () => {
  it('waits for them until the deadline and names them', async () => {
    const worker = new RigWorker({ entry: fixture('websocket.cjs') });
    const socket = new WebSocket(`ws://127.0.0.1:${await worker.port()}`);
    clients.push({ destroy: () => socket.terminate() });
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(String(data)));
    await new Promise((resolve) => socket.once('open', resolve));
    await worker.beginDrain(700);
    socket.send('during the drain');
    await eventually('the echo', () => heard.length === 1);
    assert.deepEqual((await worker.input('worker-drained')).left, ['1 upgraded connection']);
  });

  it('ends as soon as the last one is closed', async () => {
    const worker = new RigWorker({ entry: fixture('websocket.cjs') });
    const socket = new WebSocket(`ws://127.0.0.1:${await worker.port()}`);
    await new Promise((resolve) => socket.once('open', resolve));
    await worker.beginDrain();
    socket.close();
    assert.deepEqual((await worker.input('worker-drained')).left, []);
  });
});
