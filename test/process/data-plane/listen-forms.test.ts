// Every way to call listen() and bind() ends as under plain node: the same event, the same error field by field.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Balance } from '../../../src/protocol/balance.ts';
import { DataPlaneRig } from '../../support/data-plane-rig.ts';
import { eventually, within } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { root } from '../../support/rig.ts';

type Step = { name: string; kind?: string; listen?: unknown[]; bind?: unknown[]; close?: boolean } & Early;
/** `early`: tell what is seen right after listen(). `cancel`: close right after it. */
type Early = { early?: boolean; cancel?: boolean };

const fixture = join(root, 'test/fixtures/data-plane/listens.cjs');
const run = promisify(execFile);
const balances: Balance[] = ['kernel', 'round-robin'];
const rigs = new Map<Balance, DataPlaneRig>();
let port: number;
let taken: number;
let occupant: Server;

before(async () => {
  for (const balance of balances) rigs.set(balance, new DataPlaneRig(balance));
  port = await freePort();
  occupant = createServer();
  await new Promise<void>((done) => occupant.listen(0, done));
  taken = (occupant.address() as { port: number }).port;
});

after(async () => {
  occupant.close();
  for (const rig of rigs.values()) await rig[Symbol.asyncDispose]();
});

const cases: [name: string, steps: () => Step[]][] = [
  ['a port', () => [{ name: 'a', listen: [port] }]],
  ['a port and an IPv4 address', () => [{ name: 'a', listen: [port, '127.0.0.1'] }]],
  ['a host name', () => [{ name: 'a', listen: [port, 'localhost'] }]],
  ['an IPv6 address and a backlog', () => [{ name: 'a', listen: [port, '::1', 5] }]],
  [
    'ipv6Only beside IPv4',
    () => [
      { name: 'a', listen: [{ port, host: '::', ipv6Only: true }] },
      { name: 'b', listen: [{ port, host: '0.0.0.0' }] },
    ],
  ],
  ['exclusive', () => [{ name: 'a', listen: [{ port, exclusive: true }] }]],
  ['a host name that does not exist', () => [{ name: 'a', listen: [port, 'no-such-host.invalid'] }]],
  ['a port in use', () => [{ name: 'a', listen: [taken] }]],
  ['a port in use, with an address', () => [{ name: 'a', listen: [taken, '127.0.0.1'] }]],
  ['a port in use, with a host name', () => [{ name: 'a', listen: [{ port: taken, host: 'localhost' }] }]],
  ['an address of another machine', () => [{ name: 'a', listen: [port, '192.0.2.1'] }]],
  [
    'two servers on one port',
    () => [
      { name: 'a', listen: [port] },
      { name: 'b', listen: [port] },
    ],
  ],
  [
    'one port on all addresses and on one of them',
    () => [
      { name: 'a', listen: [port] },
      { name: 'b', listen: [port, '0.0.0.0'] },
    ],
  ],
  [
    'close and listen again',
    () => [
      { name: 'a', listen: [port] },
      { name: 'a', close: true },
      { name: 'a', listen: [port] },
    ],
  ],
  [
    'close and listen on another address of the port',
    () => [
      { name: 'a', listen: [port] },
      { name: 'a', close: true },
      { name: 'b', listen: [port, '127.0.0.1'] },
    ],
  ],
  [
    'an error and another try',
    () => [
      { name: 'a', listen: [taken] },
      { name: 'a', listen: [port] },
    ],
  ],
  ['a port, looked at before it listens', () => [{ name: 'a', listen: [port], early: true }]],
  ['a net.Server, looked at before it listens', () => [{ name: 'a', kind: 'net', listen: [port], early: true }]],
  ['a unix socket, looked at before it listens', () => [{ name: 'a', listen: ['app.sock'], early: true }]],
  [
    'a port, closed before it listens and opened again',
    () => [
      { name: 'a', listen: [port], cancel: true },
      { name: 'a', listen: [port] },
    ],
  ],
  ['a unix socket', () => [{ name: 'a', listen: ['app.sock'] }]],
  [
    'a unix socket for everybody',
    () => [{ name: 'a', listen: [{ path: 'app.sock', readableAll: true, writableAll: true }] }],
  ],
  [
    'a unix socket twice',
    () => [
      { name: 'a', listen: ['app.sock'] },
      { name: 'b', listen: ['app.sock'] },
    ],
  ],
  ['a unix socket in no folder', () => [{ name: 'a', listen: ['/no/such/folder/app.sock'] }]],
  ['an abstract unix socket', () => [{ name: 'a', listen: [`\0tutti-test-${port}`] }]],
  ['a descriptor that is not open', () => [{ name: 'a', listen: [{ fd: 999 }] }]],
  ['a descriptor that is no socket', () => [{ name: 'a', listen: [{ fd: 0 }] }]],
  ['a port that is none', () => [{ name: 'a', listen: [99_999] }]],
  ['no port and no path', () => [{ name: 'a', listen: [{ host: '127.0.0.1' }] }]],
  ['UDP', () => [{ name: 'a', kind: 'udp4', bind: [port] }]],
  [
    'UDP on an address, exclusive',
    () => [{ name: 'a', kind: 'udp4', bind: [{ port, address: '127.0.0.1', exclusive: true }] }],
  ],
  ['UDP over IPv6', () => [{ name: 'a', kind: 'udp6', bind: [port, '::1'] }]],
  [
    'UDP twice',
    () => [
      { name: 'a', kind: 'udp4', bind: [port] },
      { name: 'b', kind: 'udp4', bind: [port] },
    ],
  ],
];

for (const [name, steps] of cases) {
  test(`listen on ${name}`, async () => {
    for (const rig of rigs.values()) await compare(rig, steps());
  });
}

const root0 = process.getuid?.() === 0;
test('listen on a privileged port', { skip: root0 ? 'root may bind any port' : false }, async () => {
  for (const rig of rigs.values()) await compare(rig, [{ name: 'a', listen: [80] }]);
});

async function compare(rig: DataPlaneRig, steps: Step[]): Promise<void> {
  const args = [JSON.stringify(steps)];
  const plain = JSON.parse((await run(process.execPath, [fixture, ...args], { cwd: rig.dir })).stdout);
  // A process that ends without closing leaves the path behind.
  rmSync(join(rig.dir, 'app.sock'), { force: true });
  const worker = await rig.start({ fixture, args, ready: false });
  const { outcome } = await worker.hears<{ outcome: unknown }>('the outcome');
  await rig.kill(worker);
  rig.plane.closePorts();
  assert.deepEqual(outcome, plain);
  assert.equal(worker.selfTest, 'ok');
  assert.equal(existsSync(join(rig.dir, 'app.sock')), false);
}

test('a worker that closes its servers while copies of their sockets are on the way ends by itself', async () => {
  await using rig = new DataPlaneRig('kernel');
  for (let round = 0; round < 5; round += 1) {
    const worker = await rig.start({ fixture: 'data-plane/closes-all.cjs', args: ['4'], gated: true, ready: false });
    await eventually('it listens', () => worker.listeners?.length === 4);
    rig.admit(worker);
    worker.tell({ close: true });
    await within('its end', worker.exited);
  }
});
