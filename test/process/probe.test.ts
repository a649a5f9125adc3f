// --probe: a request that reaches one particular new worker, before it takes part.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { supervise, TuttiError } from '../../dist/index.js';
import { writeCertificate } from '../support/certificate.ts';
import { within } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { fixture, startSupervised } from '../support/supervised.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'probe-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A server that tells of every request that it gets which worker got it and from where. */
function witness(t: TestContext, body: string): string {
  const entry = join(folder(t), 'witness.cjs');
  writeFileSync(
    entry,
    `let seen = [];
     const server = require('node:http').createServer((request, response) => {
       if (request.url === '/seen') return response.end(JSON.stringify({ pid: process.pid, seen }));
       seen.push({ from: request.socket.remoteAddress ?? 'private', host: request.headers.host });
       ${body}
     }).listen(0, '127.0.0.1');`,
  );
  return entry;
}

test('each new worker gets its own probe, over a private connection, and serves nobody before it has passed', async (t) => {
  const entry = witness(t, `setTimeout(() => response.end('well'), 100)`);
  const { port, events } = await startSupervised(t, { entry, probe: '/health' });
  const seen = new Map<number, unknown>();
  for (let i = 0; i < 200 && seen.size < 2; i++) {
    const answer = JSON.parse((await fetch({ port: port(), path: '/seen' })).body) as { pid: number; seen: unknown };
    seen.set(answer.pid, answer.seen);
  }
  assert.equal(seen.size, 2);
  for (const requests of seen.values()) assert.deepEqual(requests, [{ from: 'private', host: 'localhost' }]);
  assert.equal(events.filter(({ type }) => type === 'worker-ready').length, 2);
});

test('a worker that fails its probe once and then passes becomes ready; 3xx passes', async (t) => {
  const entry = witness(t, `response.writeHead(seen.length === 1 ? 503 : 302, { location: '/' }).end('warming up')`);
  const { port } = await startSupervised(t, { entry, probe: '/health', workers: 1 });
  const { body } = await fetch({ port: port(), path: '/seen' });
  assert.equal((JSON.parse(body) as { seen: unknown[] }).seen.length, 2);
});

test('a server whose probe is answered with 500 never becomes ready, and the reason says so', async () => {
  const app = supervise({
    ...{ entry: fixture('probe-500.cjs'), workers: 1, probe: '/health', startTimeout: '5s', env: { PORT: '0' } },
  });
  await assert.rejects(
    within('the verdict', app.ready),
    (error) => error instanceof TuttiError && error.code === 'ERR_NEVER_READY' && /500: unhealthy/.test(error.message),
  );
  assert.equal((await app.stopped).code, 3);
});

test('a probe that is not answered in time has failed', async () => {
  const app = supervise({
    ...{
      entry: fixture('slow-response.cjs'),
      workers: 1,
      probe: '/?ms=60000',
      startTimeout: '5s',
      probeTimeout: '200ms',
    },
    ...{ stopTimeout: '100ms', env: { PORT: '0', HOLD_MS: '60000' } },
  });
  await assert.rejects(within('the verdict', app.ready), /no answer within 200 ms/);
  await app.stopped;
});

test('TLS is probed without a look at the certificate, HTTP/2 by its own rules', async (t) => {
  const { certFile, keyFile } = writeCertificate(folder(t));
  const env = { CERT_FILE: certFile, KEY_FILE: keyFile };
  const secure = await startSupervised(t, { entry: fixture('tls.cjs'), workers: 1, probe: '/', env });
  const both = await startSupervised(t, {
    entry: fixture('tls.cjs'),
    workers: 1,
    probe: '/',
    env: { ...env, H2: '1' },
  });
  const plain = await startSupervised(t, { entry: fixture('http2.cjs'), workers: 1, probe: '/' });
  for (const { app } of [secure, both, plain]) assert.equal(app.snapshot().workers[0]?.state, 'ready');

  const entry = join(folder(t), 'only-http2.cjs');
  writeFileSync(
    entry,
    `const fs = require('node:fs');
     require('node:http2').createSecureServer({ cert: fs.readFileSync(process.env.CERT_FILE), key: fs.readFileSync(process.env.KEY_FILE) },
       (request, response) => response.end('well')).listen(0, '127.0.0.1');`,
  );
  const only = await startSupervised(t, { entry, workers: 1, probe: '/', env });
  assert.equal((await only.app.reload()).outcome, 'done');
});

test('a server on a unix socket is probed like any other', async (t) => {
  const env = { SOCKET: join(folder(t), 'app.sock') };
  const { app } = await startSupervised(t, { entry: fixture('unix-socket.cjs'), workers: 2, probe: '/', env });
  assert.equal((await app.reload()).outcome, 'done');
  assert.equal((await fetch({ socketPath: env.SOCKET })).status, 200);
});
