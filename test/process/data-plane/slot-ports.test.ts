// Promise: with `ports` each slot has a port of its own, which the application does not notice, and which outlives its workers.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually, within } from '../../support/eventually.ts';
import { freePorts } from '../../support/free-port.ts';
import { ask, keepAsking, keepComing, type Place, untilRefused } from '../../support/port-clients.ts';
import { startRig } from '../../support/rig.ts';
import { fixture, startSupervised } from '../../support/supervised.ts';

interface Told {
  slot: number;
  pid: number;
  sees: number;
  came: number;
}

const tell = async (place: Place, path = '/', agent: Agent | false = false): Promise<Told> =>
  JSON.parse((await ask(place, path, agent)).text) as Told;

test('each slot listens on the port of the application and its number, which comes and goes with the slot', async (t) => {
  const first = await freePorts(3);
  const env = { PORT: String(first) };
  const { app, events } = await startSupervised(t, {
    ...{ entry: fixture('tells-port.cjs'), balance: 'ports', workers: 2, env },
  });
  for (const slot of [0, 1]) {
    const { pid: _, ...told } = await tell(first + slot);
    assert.deepEqual(told, { slot, sees: first, came: first + slot });
  }
  const ports = (): unknown[] => app.snapshot().listeners.map(({ port }) => port);
  assert.deepEqual(ports(), [first, first + 1]);

  await app.scale(3);
  assert.equal((await tell(first + 2)).slot, 2);
  assert.deepEqual(ports(), [first, first + 1, first + 2]);
  const clients = [keepAsking(first + 2), keepComing(first + 2), ask(first + 2, '/?ms=1000')];
  await ask(first + 2);
  await app.scale(2);
  await within('its clients to be answered', Promise.all(clients), 30_000);
  await untilRefused(first + 2);
  assert.deepEqual(ports(), [first, first + 1]);
  assert.ok(!events.some(({ type }) => type === 'ports-differ'), 'that is no mistake');
});

test('a reload and a killed worker lose nobody, and a kept connection stays with its slot', async (t) => {
  const first = await freePorts(2);
  const env = { PORT: String(first) };
  const { app } = await startSupervised(t, { entry: fixture('tells-port.cjs'), balance: 'ports', workers: 2, env });
  const agents = [0, 1].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
  t.after(() => {
    for (const agent of agents) agent.destroy();
  });
  const sockets = new Set<unknown>();
  for (const agent of agents) agent.on('free', (socket) => sockets.add(socket));
  const kept = (slot: number): Promise<Told> => tell(first + slot, '/', agents[slot]);
  const before = [await kept(0), await kept(1)];
  await app.reload();
  const after = await Promise.all([kept(0), kept(1)]);
  assert.deepEqual(
    after.map(({ slot }) => slot),
    [0, 1],
  );
  assert.ok(after.every(({ pid }, slot) => pid !== before[slot]?.pid));
  assert.equal(sockets.size, 2, 'each client has the connection that it had');

  const [, victim] = app.snapshot().workers;
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  assert.equal((await tell(first + 1)).slot, 1, 'the kernel keeps the client until the slot has a worker again');
});

test('the port of a slot without a worker refuses after holdTimeout, so that a proxy goes elsewhere, and opens again', async (t) => {
  const first = await freePorts(2);
  const fails = join(folderFor(t), 'fails');
  const env = { PORT: String(first), FAILS: fails };
  const options = {
    entry: fixture('slot-fails.cjs'),
    balance: 'ports',
    workers: 2,
    holdTimeout: '500ms',
    env,
  } as const;
  const { app, events } = await startSupervised(t, options);
  writeFileSync(fails, '');
  process.kill(app.snapshot().workers[1]?.pid ?? 0, 'SIGKILL');
  await untilRefused(first + 1);
  const closed = await eventually('an event', () => events.find(({ type }) => type === 'slot-ports-closed'));
  assert.ok(closed.type === 'slot-ports-closed' && closed.slot === 1 && closed.afterMs >= 500);
  assert.equal((await ask(first)).text, '0');
  rmSync(fails);
  await eventually('slot 1 to be back', async () => (await ask(first + 1)).text === '1', { deadlineMs: 30_000 });
});

test('a port of a slot that another program has is named, with the slot', async (t) => {
  const first = await freePorts(2);
  const other = createServer().listen(first + 1);
  t.after(() => other.close());
  const env = { PORT: String(first) };
  const { app, events } = await startSupervised(t, {
    ...{ entry: fixture('tells-port.cjs'), balance: 'ports', workers: 2, env },
  });
  const refused = events.find(({ type }) => type === 'slot-port-refused');
  const { at: _, ...told } = refused ?? { at: 0 };
  assert.deepEqual(told, {
    ...{ type: 'slot-port-refused', slot: 1, port: first + 1, asked: first, code: 'EADDRINUSE' },
  });
  const exit = events.find((event) => event.type === 'worker-exit' && event.slot === 1);
  assert.ok(exit?.type === 'worker-exit');
  assert.match(exit.detail, new RegExp(`EADDRINUSE: address already in use :::${first + 1}`));
  assert.equal((await tell(first)).slot, 0, 'slot 0 serves');
  assert.deepEqual(
    app.snapshot().listeners.map(({ port }) => port),
    [first],
  );
});

test('two servers of an app whose ports meet are told apart; a path and any port are had by all and by each', async (t) => {
  const first = await freePorts(3);
  const path = join(folderFor(t), 'app.sock');
  const entry = fixture('tells-port.cjs');
  const meeting = { PORT: String(first), SECOND: String(first + 1) };
  const met = await startSupervised(t, { entry, balance: 'ports', workers: 2, env: meeting });
  assert.ok(met.events.some(({ type }) => type === 'slot-port-refused'));
  assert.equal((await tell(first + 1)).came, first + 1, 'whoever came first has it');

  const { app } = await startSupervised(t, { entry, balance: 'ports', workers: 2, env: { PORT: '0', UNIX: path } });
  const own = app.snapshot().listeners.filter(({ protocol }) => protocol === 'tcp');
  assert.equal(app.snapshot().listeners.length, 3);
  for (const [slot, { port = 0 }] of own.entries()) {
    const { pid: _, ...told } = await tell(port);
    assert.deepEqual(told, { slot, sees: port, came: port });
  }
  assert.equal(typeof (await tell(path)).pid, 'number');
  await app.reload();
  for (const [slot, { port = 0 }] of own.entries()) assert.equal((await tell(port)).slot, slot, 'the same ports');
});

test('a reload changes to ports and back, and the port that all had never refuses', async (t) => {
  const first = await freePorts(2);
  const file = join(folderFor(t), 'tutti.config.json');
  const balanceBy = (balance: string): void =>
    writeFileSync(file, JSON.stringify({ entry: fixture('tells-port.cjs'), name: 'web', workers: 2, balance }));
  balanceBy('least-connections');
  await using rig = await startRig({ fixture: file, port: first });
  const asking = keepComing(first);
  balanceBy('ports');
  assert.equal((await rig.reload()).type, 'reload-done');
  assert.equal((await tell(first + 1)).slot, 1);
  balanceBy('kernel');
  assert.equal((await rig.reload()).type, 'reload-done');
  await untilRefused(first + 1);
  const ended = rig.end();
  assert.ok((await within('the client to be answered', asking)) > 0);
  await ended;
});

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-slot-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
