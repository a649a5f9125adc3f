// A connection is counted for as long as its handle is open in its worker, whatever the application does with it, and no drain waits
// for one that is closed.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { writeCertificate } from '../support/certificate.ts';
import { eventually, within } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { fixture, type Supervised, startSupervised } from '../support/supervised.ts';

interface Scene extends Supervised {
  ports: { web: number; lines: number; streams: number; given: number };
}

async function scene(t: TestContext): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), 'books-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const { keyFile, certFile } = writeCertificate(dir);
  const ports = {
    ...{ web: await freePort(), lines: await freePort() },
    ...{ streams: await freePort(), given: await freePort() },
  };
  const env = {
    ...{ PORT: String(ports.web), LINES_PORT: String(ports.lines), STREAMS_PORT: String(ports.streams) },
    GIVEN_PORT: String(ports.given),
    ...{ TLS_KEY: keyFile, TLS_CERT: certFile },
  };
  const started = await startSupervised(t, {
    ...{ entry: fixture('hides-connections.cjs'), workers: 1, drainTimeout: 20_000, env },
  });
  return { ...started, ports };
}

async function say(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

async function hears(socket: Socket, text: string): Promise<void> {
  let heard = '';
  while (!heard.includes(text)) heard += String((await within(`to hear ${text}`, once(socket, 'data')))[0]);
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;

/** Each opens a connection, uses it, and answers with what closes it. */
const kinds: Record<string, (scene: Scene) => Promise<() => void>> = {
  'an upgrade': async ({ ports }) => {
    const socket = await say(ports.web, get('/', 'connection: upgrade\r\nupgrade: echo\r\n'));
    await hears(socket, '101');
    return () => socket.destroy();
  },
  'a tunnel': async ({ ports }) => {
    const socket = await say(ports.web, 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n');
    await hears(socket, 'established');
    return () => socket.destroy();
  },
  'a parser taken over': async ({ ports }) => {
    const socket = await say(ports.web, get('/raw'));
    await hears(socket, '200');
    return () => socket.destroy();
  },
  STARTTLS: async ({ ports }) => {
    const socket = await say(ports.lines, 'STARTTLS');
    await hears(socket, 'go');
    const secure = tls.connect({ socket, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    secure.write('hello');
    await hears(secure, 'echo hello');
    return () => secure.end();
  },
  'HTTP/2': async ({ ports }) => {
    const session = http2.connect(`http://127.0.0.1:${ports.streams}`);
    const stream = session.request({ ':path': '/' });
    await once(stream.resume(), 'end');
    return () => session.destroy();
  },
};

test('connections whose listeners the application took off leave the count when they close, and hold up no drain', async (t) => {
  const began = await scene(t);
  const { app } = began;
  const worker = () => app.snapshot().workers[0];
  for (const [name, open] of Object.entries(kinds)) {
    const closers = [await open(began), await open(began)];
    await eventually(`${name}: both are counted`, () => worker()?.connections === 2);
    for (const close of closers) close();
    await eventually(`${name}: none is counted`, () => worker()?.connections === 0 && worker()?.activeRequests === 0);
  }
  const reset = await say(began.ports.lines, 'reset');
  await eventually('it is reset', () => reset.closed);
  await eventually('none is counted', () => worker()?.connections === 0);
  const given = await say(began.ports.lines, 'child');
  await hears(given, 'here');
  given.write('hello');
  await hears(given, 'child hello');
  await eventually(
    'what a child process was given is not counted, though it is open',
    () => worker()?.connections === 0,
  );

  const atOnce = await say(began.ports.given, '');
  await hears(atOnce, 'here');
  atOnce.write('hello');
  await hears(atOnce, 'child hello');

  const { outcome } = await within('the reload', app.reload(), 60_000);
  assert.equal(outcome, 'done');
  const drained = began.events.find(({ type }) => type === 'worker-drained');
  assert.ok(drained?.type === 'worker-drained');
  assert.deepEqual(drained.left, []);
  assert.ok(drained.drainMs < 10_000, `${drained.drainMs} ms`);
  given.destroy();
  atOnce.destroy();
});
