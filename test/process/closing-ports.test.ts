// Promise: an app that stops is found out at once. New clients are refused, so that they go elsewhere; whoever came before is served.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type SuperviseOptions, supervise } from '../../dist/index.js';
import { eventually, within } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { ask, keepAsking, keepComing, type Place, refusal, untilRefused } from '../support/port-clients.ts';
import { connect as connectRaw } from '../support/raw-client.ts';
import { fixture, type Supervised, startSupervised } from '../support/supervised.ts';

async function startOn(t: TestContext, places: Place[], options: Partial<SuperviseOptions> = {}): Promise<Supervised> {
  const dir = mkdtempSync(join(tmpdir(), 'tutti-places-'));
  const file = join(dir, 'places');
  writeFileSync(file, places.join('\n'));
  const app = await startSupervised(t, {
    ...{ entry: fixture('places.cjs'), drainTimeout: '20s' },
    ...options,
    env: { PLACES: file },
  });
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return app;
}

for (const balance of ['least-connections', 'ip-hash', 'kernel', 'round-robin'] as const) {
  test(`${balance}: a stop refuses new clients at once and serves all who came before`, async (t) => {
    const port = await freePort();
    const { app } = await startOn(t, [port], { balance });
    const slow = Array.from({ length: 4 }, () => ask(port, '/?ms=4000'));
    const clients = [
      ...Array.from({ length: 6 }, () => keepAsking(port)),
      ...Array.from({ length: 4 }, () => keepComing(port)),
    ];
    await ask(port);
    const at = performance.now();
    const stopping = app.stop();
    await within('the other clients to be answered', Promise.all(clients), 2500);
    await untilRefused(port);
    assert.ok(performance.now() - at < 3000, 'the port was refusing while requests were in flight');
    for (const { last } of await Promise.all(slow)) assert.equal(last, true);
    await stopping;
  });
}

test('a stop closes unix sockets and their files at once', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tutti-paths-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'socket');
  const { app } = await startOn(t, [path]);
  const clients = [keepAsking(path), keepComing(path)];
  const slow = ask(path, '/?ms=3000');
  await ask(path);
  const stopping = app.stop();
  await within('clients to be answered', Promise.all(clients), 2500);
  assert.equal(await refusal(path), 'ENOENT');
  assert.equal((await slow).last, true);
  await stopping;
});

test('UDP: a stop lets the workers that drain answer what comes', async (t) => {
  const [udp, tcp] = [await freePort(), await freePort()];
  const { app } = await startOn(t, [tcp, `udp:${udp}`]);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const slow = ask(tcp, '/?ms=2000');
  await ask(tcp);
  const stopping = app.stop();
  await untilRefused(tcp);
  const answered = new Promise((resolve) => socket.once('message', resolve));
  const sending = setInterval(() => socket.send('hello', udp, '127.0.0.1'), 50);
  t.after(() => clearInterval(sending));
  await within('an answer', answered, 1500);
  await slow;
  await stopping;
});

for (const balance of ['least-connections', 'round-robin'] as const) {
  test(`${balance}: clients whom a blocked worker has not accepted yet are served in the stop`, async (t) => {
    const app = await startSupervised(t, { entry: fixture('blocks-loop.cjs'), workers: 1, balance });
    const port = app.port();
    const clients = [];
    for (const path of ['/block?ms=1500', '/', '/', '/']) {
      const client = await connectRaw(port);
      t.after(() => client.destroy());
      client.get(path);
      clients.push(client);
    }
    const stopping = app.app.stop();
    await untilRefused(port);
    for (const client of clients) await client.until('an answer', ({ answers }) => answers === 1);
    await stopping;
  });
}

test('a page that is being rendered when the app stops may still ask its own server', async (t) => {
  const port = await freePort();
  const { app } = await startSupervised(t, { entry: fixture('asks-itself.cjs'), env: { PORT: String(port) } });
  const pages = Array.from({ length: 4 }, () => ask(port, '/page?ms=1500'));
  assert.equal((await ask(port, '/page?ms=0')).text, 'data,data,data');
  const stopping = app.stop();
  await untilRefused(port);
  for (const { text } of await within('the pages', Promise.all(pages), 10_000)) assert.equal(text, 'data,data,data');
  await within('the app to stop', stopping, 10_000);
});

test('/readyz says 503 before the first client is refused', async (t) => {
  const admin = await freePort();
  const port = await freePort();
  const { app } = await startOn(t, [port], { admin });
  assert.equal((await fetch(`http://127.0.0.1:${admin}/readyz`)).status, 200);
  const slow = ask(port, '/?ms=2000');
  await ask(port);
  const stopping = app.stop();
  const [refused, ready] = await Promise.all([untilRefused(port), fetch(`http://127.0.0.1:${admin}/readyz`)]);
  assert.equal(refused, undefined);
  assert.equal(ready.status, 503);
  await slow;
  await stopping;
});

test('a fast stop closes the port too, before the last worker has gone', async (t) => {
  const app = supervise({ entry: fixture('ignores-sigterm.cjs'), workers: 1, env: { PORT: '0' } });
  t.after(() => app.stop({ fast: true }));
  await within('the app to be ready', app.ready, 60_000);
  const port = app.snapshot().listeners[0]?.port ?? 0;
  const stopping = app.stop({ fast: true });
  await eventually('the port to refuse', async () => (await refusal(port)) !== null, { deadlineMs: 1500 });
  await stopping;
});
