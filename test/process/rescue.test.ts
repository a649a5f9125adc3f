// Promise: a worker that dies of its own code costs the requests that it was serving. The connections that had nothing under way go on with
// a sibling, or with the next worker, and their clients notice nothing.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Balance } from '../../src/protocol/balance.ts';
import { DataPlaneRig } from '../support/data-plane-rig.ts';
import { eventually, within } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { isAlive } from '../support/processes.ts';
import { connect, type RawClient } from '../support/raw-client.ts';
import type { RigWorker } from '../support/worker-rig.ts';
import { fixture, type WorkerOptions } from '../support/worker-rig.ts';

const dies = 'dies.cjs';

/** Half of them have had a request. */
async function clients(port: number, count: number, path = '/'): Promise<RawClient[]> {
  const all = await Promise.all(Array.from({ length: count }, () => connect(port)));
  const used = all.filter((_, i) => i % 2 === 0);
  for (const client of used) client.get(path);
  for (const client of used) await client.until('its answer', ({ answers }) => answers === 1);
  return all;
}

/** The next answer of each comes from `worker`. */
async function assertServedBy(worker: RigWorker, all: readonly RawClient[]): Promise<void> {
  const isServed = ({ text }: RawClient) => text.endsWith(`\r\n${worker.pid}`);
  for (const client of all) await client.until('an answer or an end', (each) => each.closed || isServed(each));
  assert.deepEqual(
    all.filter((client) => !isServed(client)).map(({ text, error }) => [text, error?.message]),
    [],
  );
}

async function die(worker: RigWorker, way: string): Promise<void> {
  worker.tell({ way });
  await worker.hears<{ busy: boolean }>('that it is busy', ({ busy }) => busy);
}

function closeAll(all: readonly RawClient[]): void {
  for (const client of all) client.destroy();
}

for (const [way, balance, code] of [
  ['throw', 'least-connections', 1],
  ['reject', 'ip-hash', 1],
  ['exit', 'round-robin', 3],
  ['exit in a handler', 'kernel', 5],
  ['throw in an exit handler', 'kernel', 1],
] satisfies [string, Balance, number][]) {
  test(`${way} (${balance}): what was idle, or sent its request too late, is served by a sibling`, async () => {
    await using rig = new DataPlaneRig(balance);
    const port = await freePort();
    const old = await rig.start({ fixture: dies, env: { PORT: String(port) } });
    const all = await clients(port, 200);
    const slow = await connect(port);
    slow.get('/slow');
    const next = await rig.start({ fixture: dies, env: { PORT: String(port) } });
    await die(old, way);
    for (const client of all) client.get('/');
    const [exitCode] = (await within('the end of the worker', old.exited)) as [number];
    assert.equal(exitCode, code);
    await assertServedBy(next, all);
    await slow.until('the end of what was under way', ({ closed }) => closed);
    closeAll(all);
  });
}

test('an application that survives its error keeps its connections', async () => {
  await using rig = new DataPlaneRig('kernel');
  const port = await freePort();
  const worker = await rig.start({ fixture: dies, env: { PORT: String(port) } });
  const all = await clients(port, 10);
  await rig.start({ fixture: dies, env: { PORT: String(port) } });
  await die(worker, 'survive');
  await worker.hears<{ survived: boolean }>('that it has survived', ({ survived }) => survived);
  for (const client of all) client.get('/');
  await assertServedBy(worker, all);
  closeAll(all);
});

test('with nobody else, the next worker gets them', async () => {
  await using rig = new DataPlaneRig('least-connections');
  const port = await freePort();
  const old = await rig.start({ fixture: dies, env: { PORT: String(port) } });
  const all = await clients(port, 100);
  await die(old, 'throw');
  for (const client of all) client.get('/');
  await within('the end of the worker', old.exited);
  const next = await rig.start({ fixture: dies, env: { PORT: String(port) } });
  await assertServedBy(next, all);
  closeAll(all);
});

test('what must stay with its worker ends with it', async () => {
  await using rig = new DataPlaneRig('kernel');
  const port = await freePort();
  for (const [transfer, path] of [
    ['unused', '/'],
    ['idle', '/own'],
  ] as const) {
    const old = await rig.start({ fixture: dies, env: { PORT: String(port) }, transfer });
    const all = await clients(port, 10, path);
    const next = await rig.start({ fixture: dies, env: { PORT: String(port) }, transfer });
    await die(old, 'throw');
    await within('the end of the worker', old.exited);
    for (const client of all.filter(({ answers }) => answers === 1))
      await client.until('its end', ({ closed }) => closed);
    const unused = all.filter(({ closed }) => !closed);
    assert.equal(unused.length, 5);
    for (const client of unused) client.get('/');
    await assertServedBy(next, unused);
    closeAll(all);
    await rig.kill(next);
  }
});

test('a primary that reads nothing does not hold up the end of a worker', async () => {
  const options: WorkerOptions = { entry: fixture(dies), boot: { balance: 'kernel' } };
  const main = fileURLToPath(new URL('../support/rig-primary.ts', import.meta.url));
  const primary = spawn(process.execPath, ['--import', 'tsx', main, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(primary, 'exit');
  try {
    const [line] = (await within('the worker', once(createInterface(primary.stdout), 'line'))) as [string];
    const { pid, port } = JSON.parse(line) as { pid: number; port: number };
    const all = await clients(port, 200);
    primary.kill('SIGSTOP');
    const killer = await connect(port);
    killer.get('/exit');
    // Its parent cannot collect it.
    await eventually('the end of the worker', () => !isAlive(pid), { deadlineMs: 5000 });
    primary.kill('SIGCONT');
    closeAll([...all, killer]);
  } finally {
    primary.kill('SIGKILL');
    await ended;
  }
});
