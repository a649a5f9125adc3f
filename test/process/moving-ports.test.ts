// Promise: a port lives exactly as long as the app listens there. Code that comes with a reload may listen elsewhere: who has a request
// under way is answered, who keeps a connection is told to close it, and the old port then refuses.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SuperviseOptions } from '../../dist/index.js';
import { eventually, within } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { ask, keepAsking, keepComing, type Place, refusal, untilRefused } from '../support/port-clients.ts';
import { fixture, type Supervised, startSupervised } from '../support/supervised.ts';

interface Moving extends Supervised {
  /** From the next reload on. */
  listenOn(...places: Place[]): void;
}

async function startOn(t: TestContext, places: Place[], options: Partial<SuperviseOptions> = {}): Promise<Moving> {
  const dir = mkdtempSync(join(tmpdir(), 'tutti-places-'));
  const file = join(dir, 'places');
  const listenOn = (...next: Place[]): void => writeFileSync(file, next.join('\n'));
  listenOn(...places);
  const app = await startSupervised(t, {
    ...{ entry: fixture('places.cjs'), drainTimeout: '20s' },
    ...options,
    env: { PLACES: file, ...options.env },
  });
  // After the app has stopped: a worker that starts reads the file.
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return { ...app, listenOn };
}

for (const balance of ['least-connections', 'ip-hash', 'kernel', 'round-robin'] as const) {
  test(`${balance}: a reload to code that listens on another port loses nobody, and closes the old one`, async (t) => {
    const [before, after] = [await freePort(), await freePort()];
    const app = await startOn(t, [before], { balance });
    const slow = Array.from({ length: 4 }, () => ask(before, '/?ms=4000'));
    const kept = Array.from({ length: 6 }, () => keepAsking(before));
    const fresh = Array.from({ length: 2 }, () => keepComing(before));
    const ended = Promise.all([...slow, ...kept, ...fresh]);
    await ask(before);
    app.listenOn(after);
    const reloaded = app.app.reload();
    await within('every client to be answered', ended, 60_000);
    await untilRefused(before);
    assert.match((await ask(after)).text, new RegExp(`^${after} `));
    assert.deepEqual(await reloaded, { outcome: 'done', generation: 2 });
    const closed = app.events.find(({ type }) => type === 'unused-ports-closed');
    assert.ok(closed?.type === 'unused-ports-closed');
    assert.deepEqual(
      closed.listeners.map(({ port }) => port),
      [before],
    );
  });
}

test('a unix socket that the new code does not use goes with its file, one that it uses stays', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tutti-paths-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [before, both] = [join(dir, 'before'), join(dir, 'both')];
  const app = await startOn(t, [before, both]);
  const clients = [keepAsking(before), keepComing(before), ask(before, '/?ms=3000')];
  await ask(before);
  app.listenOn(both);
  const reloaded = app.app.reload();
  await within('every client to be answered', Promise.all(clients), 60_000);
  await untilRefused(before);
  assert.equal((await reloaded).outcome, 'done');
  assert.equal(existsSync(before), false);
  assert.match((await ask(both)).text, /both/);
});

test('a UDP port that the new code does not use closes with the old workers', async (t) => {
  const [udp, tcp] = [await freePort(), await freePort()];
  const app = await startOn(t, [tcp, `udp:${udp}`]);
  app.listenOn(tcp);
  assert.equal((await app.app.reload()).outcome, 'done');
  await eventually('another program to have the port', async () => {
    const socket = createSocket('udp4');
    const bound = new Promise((resolve) =>
      socket.once('listening', () => resolve(true)).once('error', () => resolve(false)),
    );
    socket.bind(udp);
    const has = await bound;
    if (has) socket.close();
    return has;
  });
});

test('a port that the new code opens only after it is ready stays open, and nobody is lost', async (t) => {
  const [first, second] = [await freePort(), await freePort()];
  const app = await startOn(t, [first, second], { env: { LATE_MS: '1000' } });
  await eventually('the second port to be open', () => ask(second));
  const asking = { stop: false };
  const clients = Array.from({ length: 3 }, async () => {
    while (!asking.stop) await ask(second);
  });
  assert.equal((await app.app.reload()).outcome, 'done');
  asking.stop = true;
  await Promise.all(clients);
});

test('a reload that fails leaves the old port as it was, and closes the one that only the failed code opened', async (t) => {
  const [before, after] = [await freePort(), await freePort()];
  const app = await startOn(t, [before], { canaryTime: '1s' });
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => kept.destroy());
  await ask(before, '/', kept);
  app.listenOn(after);
  const failing = app.app.reload();
  await eventually('the canary to listen', async () => (await refusal(after)) === null);
  const canary = app.app.snapshot().workers.find(({ generation }) => generation === 2);
  assert.ok(canary?.pid);
  process.kill(canary.pid, 'SIGKILL');
  // Another is tried: the death was nobody's fault.
  app.listenOn('broken');
  assert.equal((await failing).outcome, 'failed');
  await untilRefused(after);
  const answer = await ask(before, '/', kept);
  assert.match(answer.text, new RegExp(`^${before} `));
  assert.equal(answer.last, false);
});

test('when every worker is killed the port waits for the next, also right after a reload', async (t) => {
  const port = await freePort();
  const app = await startOn(t, [port]);
  assert.equal((await app.app.reload()).outcome, 'done');
  for (const pid of app.pids()) process.kill(pid, 'SIGKILL');
  assert.match((await ask(port)).text, new RegExp(`^${port} `));
});
