// The primary owns the listening sockets: what that promises to clients, however workers come, go, stop and die.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import type { Balance } from '../../../src/protocol/balance.ts';
import { writeCertificate } from '../../support/certificate.ts';
import { DataPlaneRig } from '../../support/data-plane-rig.ts';
import { eventually, within } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';
import { freePort } from '../../support/free-port.ts';
import type { RigWorker } from '../../support/worker-rig.ts';

const fixture = 'data-plane/serves.cjs';
const balances: Balance[] = ['kernel', 'round-robin'];

function serves(options: object): { fixture: string; args: string[] } {
  return { fixture, args: [JSON.stringify(options)] };
}

async function portOf(worker: RigWorker): Promise<number> {
  return (await worker.hears<{ address?: { port: number } }>('its address', (m) => 'address' in m)).address?.port ?? 0;
}

async function pids(port: number, count: number): Promise<Set<number>> {
  const answers = await Promise.all(Array.from({ length: count }, () => fetch({ port })));
  return new Set(answers.map(({ body }) => Number(body)));
}

for (const balance of balances) {
  test(`${balance}: clients that connect while no worker lives are served by the next one`, async () => {
    await using rig = new DataPlaneRig(balance);
    const port = await freePort();
    const workers = [await rig.start(serves({ listen: [[port]] })), await rig.start(serves({ listen: [[port]] }))];
    assert.equal((await pids(port, 40)).size, 2);
    for (const worker of workers) await rig.kill(worker);
    const waiting = Array.from({ length: 10 }, () => fetch({ port }));
    const next = await rig.start(serves({ listen: [[port]] }));
    const answers = await within('all are served', Promise.all(waiting));
    assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set([String(next.pid)]));
  });

  test(`${balance}: the port refuses clients after closePorts, and opens again with the next worker`, async () => {
    await using rig = new DataPlaneRig(balance);
    const port = await freePort();
    await rig.kill(await rig.start(serves({ listen: [[port]] })));
    rig.plane.closePorts();
    await assert.rejects(fetch({ port }), { code: 'ECONNREFUSED' });
    // A worker that dies before it was ever ready holds no port.
    const stillborn = await rig.start({ ...serves({ listen: [[port]] }), gated: true, ready: false });
    await portOf(stillborn);
    await rig.kill(stillborn);
    await assert.rejects(fetch({ port }), { code: 'ECONNREFUSED' });
    const next = await rig.start(serves({ listen: [[port]] }));
    assert.equal((await fetch({ port })).body, String(next.pid));
  });

  test(`${balance}: a gated worker sees its errors but accepts nothing before it is admitted`, async () => {
    await using rig = new DataPlaneRig(balance);
    const port = await freePort();
    const first = await rig.start(serves({ listen: [[port]] }));
    const gated = await rig.start({ ...serves({ listen: [[port], [port, '127.0.0.1']] }), gated: true, ready: false });
    assert.equal(await portOf(gated), port);
    const { error } = await gated.hears<{ error?: string }>('the error', (message) => 'error' in message);
    assert.equal(error, 'EADDRINUSE');
    assert.deepEqual(await pids(port, 30), new Set([first.pid]));
    rig.admit(gated);
    await eventually('it accepts', async () => (await pids(port, 10)).has(gated.pid));
  });

  test(`${balance}: a draining worker accepts nothing, yet its server listens and closes as ever`, async () => {
    await using rig = new DataPlaneRig(balance);
    const port = await freePort();
    const old = await rig.start(serves({ listen: [[port]] }));
    const next = await rig.start(serves({ listen: [[port]] }));
    rig.drain(old);
    old.tell({ do: 'listening' });
    const { is, address } = await old.hears<{ is?: boolean; address?: object }>('its state', (m) => 'is' in m);
    assert.equal(is, true);
    assert.equal((address as { port: number }).port, port);
    assert.deepEqual(await pids(port, 30), new Set([next.pid]));
    old.tell({ do: 'close' });
    const { closed } = await old.hears<{ closed?: string }>('the end', (message) => 'closed' in message);
    assert.equal(closed, 'ok');
    // It was the last one of its kind to hold the port; with no worker left the port is held all the same.
    await rig.kill(next);
    const waiting = fetch({ port });
    await rig.start(serves({ listen: [[port]] }));
    assert.equal((await waiting).status, 200);
  });

  test(`${balance}: the port closes when every worker closed its server, not before`, async () => {
    await using rig = new DataPlaneRig(balance);
    const port = await freePort();
    const workers = [await rig.start(serves({ listen: [[port]] })), await rig.start(serves({ listen: [[port]] }))];
    for (const [i, worker] of workers.entries()) {
      worker.tell({ do: 'close' });
      await worker.hears('the end', (message) => 'closed' in message);
      if (i === 0) assert.deepEqual(await pids(port, 10), new Set([workers[1]?.pid]));
    }
    await eventually('clients are refused', () =>
      fetch({ port, timeoutMs: 100 }).then(
        () => false,
        (error) => error.code === 'ECONNREFUSED',
      ),
    );
  });

  test(`${balance}: the n-th listen on port 0 is one socket, and options stay as they are`, async () => {
    await using rig = new DataPlaneRig(balance);
    const options = serves({ listen: [[0], [{ port: 0, reusePort: true }]], frozen: true });
    const seen = [];
    for (const worker of [await rig.start(options), await rig.start(options)]) {
      await eventually('both listen', () => worker.said.length === 2);
      seen.push(worker.said.map((message) => (message as { address: { port: number } }).address.port));
    }
    assert.deepEqual(seen[0], seen[1]);
    assert.notEqual(seen[0]?.[0], seen[0]?.[1]);
    assert.equal(rig.plane.listeners().length, 2);
  });

  test(`${balance}: unix sockets are shared, and their path goes with the last server`, async () => {
    await using rig = new DataPlaneRig(balance);
    const path = join(rig.dir, 'app.sock');
    const workers = [
      await rig.start(serves({ listen: [['app.sock']] })),
      await rig.start(serves({ listen: [[path]] })),
    ];
    const answers = await Promise.all(Array.from({ length: 40 }, () => fetch({ socketPath: path })));
    assert.equal(new Set(answers.map(({ body }) => body)).size, 2);
    for (const worker of workers) {
      assert.equal(existsSync(path), true);
      worker.tell({ do: 'close' });
      await worker.hears('the end', (message) => 'closed' in message);
    }
    await eventually('the path is gone', () => !existsSync(path));
  });

  test(`${balance}: TLS sessions are resumed by any worker`, async () => {
    await using rig = new DataPlaneRig(balance);
    const port = await freePort();
    const { keyFile, certFile } = writeCertificate(rig.dir);
    const env = { TLS_KEY: readFileSync(keyFile, 'utf8'), TLS_CERT: readFileSync(certFile, 'utf8') };
    const options = { ...serves({ kind: 'https', listen: [[port]] }), env };
    await rig.start(options);
    await rig.start(options);
    const ask = (session?: Buffer) =>
      new Promise<{ pid: number; resumed: boolean; session: Buffer }>((done, fail) => {
        let ticket: Buffer | undefined;
        const socket = tls.connect({ port, rejectUnauthorized: false, session, maxVersion: 'TLSv1.2' });
        let text = '';
        socket.on('session', (given) => {
          ticket = given;
        });
        socket.on('data', (data) => {
          text += data;
        });
        socket.on('error', fail);
        socket.on('end', () => {
          const pid = Number(text.split('\r\n\r\n')[1]);
          done({ pid, resumed: socket.isSessionReused(), session: ticket ?? (session as Buffer) });
        });
        socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      });
    const first = await ask();
    const others = [];
    for (let i = 0; i < 30; i++) others.push(await ask(first.session));
    assert.deepEqual(new Set(others.map(({ resumed }) => resumed)), new Set([true]));
    assert.equal(
      others.some(({ pid }) => !Number.isInteger(pid)),
      false,
    );
  });

  test(`${balance}: HTTP/2, plain and paused sockets are served`, async () => {
    await using rig = new DataPlaneRig(balance);
    const [h2, plain, paused] = [await freePort(), await freePort(), await freePort()];
    const h2Worker = await rig.start(serves({ kind: 'http2', listen: [[h2]] }));
    const session = http2.connect(`http://127.0.0.1:${h2}`);
    const body = await new Promise((done, fail) => {
      session.on('error', fail);
      const stream = session.request({ ':path': '/' });
      stream.on('data', (data) => done(String(data)));
    });
    session.destroy();
    assert.equal(body, String(h2Worker.pid));
    for (const [kind, port] of [
      ['net', plain],
      ['paused', paused],
    ] as const) {
      const worker = await rig.start(serves({ kind, listen: [[port]] }));
      const socket = connect(port);
      socket.write('hello');
      const [answer] = await within(
        'the answer',
        new Promise<unknown[]>((done) => socket.once('data', (...a) => done(a))),
      );
      socket.destroy();
      assert.equal(String(answer), `${worker.pid} hello`);
    }
  });
}

test('round-robin: a connection given to a stopped worker goes to another when that one is dead', async () => {
  await using rig = new DataPlaneRig('round-robin');
  const port = await freePort();
  const stopped = await rig.start(serves({ listen: [[port]] }));
  const other = await rig.start(serves({ listen: [[port]] }));
  stopped.child.kill('SIGSTOP');
  const waiting = Array.from({ length: 20 }, () => fetch({ port }));
  let answered = 0;
  for (const one of waiting)
    void one.then(
      () => answered++,
      () => {},
    );
  // One is with the stopped worker, and stays there as long as that may still read it.
  await eventually('all others are answered', () => answered === 19);
  await rig.kill(stopped);
  const answers = await within('no client hangs', Promise.all(waiting));
  assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set([String(other.pid)]));
});

test('round-robin: spreads connections evenly', async () => {
  await using rig = new DataPlaneRig('round-robin');
  const port = await freePort();
  for (let i = 0; i < 4; i++) await rig.start(serves({ listen: [[port]] }));
  const counts = new Map<string, number>();
  for (let i = 0; i < 40; i++) {
    const { body } = await fetch({ port });
    counts.set(body, (counts.get(body) ?? 0) + 1);
  }
  assert.deepEqual([...counts.values()], [10, 10, 10, 10]);
});
