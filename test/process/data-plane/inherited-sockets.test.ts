// A supervisor that is started with listening sockets, by a service manager or in the place of another one, serves on these.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { EventLog } from '../../support/event-log.ts';
import { fetch } from '../../support/fetch.ts';
import { freePort } from '../../support/free-port.ts';
import '../../support/own-home.ts';
import { binPath, nodePath, root } from '../../support/rig.ts';

interface Listening {
  fd: number;
  port: number;
  close(): Promise<unknown>;
}

interface Started extends AsyncDisposable {
  primary: ChildProcess;
  events: EventLog;
  stderr(): string;
}

/** `tutti run` with these descriptors from 3 on. `how`: what the environment says of them. */
function start(fixture: string, handles: readonly { fd: number }[], how: 'systemd' | object, env: object): Started {
  const fds = handles.map(({ fd }) => fd);
  const own = how === 'systemd' ? {} : { TUTTI_TAKEOVER: JSON.stringify(how) };
  const args = [
    'run',
    join(root, 'test/fixtures', fixture),
    '--workers',
    '2',
    '--json',
    '--name',
    `inherits-${process.pid}`,
  ];
  // Only the process itself knows its pid, which LISTEN_PID has to name.
  const script = how === 'systemd' ? `LISTEN_FDS=${fds.length} LISTEN_PID=$$ exec "$@"` : 'exec "$@"';
  const primary = spawn('/bin/sh', ['-c', script, 'sh', nodePath, binPath, ...args, '--canary-time', '0'], {
    stdio: ['ignore', 'ignore', 'pipe', ...fds],
    env: { ...process.env, ...own, ...env },
  });
  const events = new EventLog();
  let text = '';
  primary.stderr?.setEncoding('utf8').on('data', (data: string) => {
    text += data;
    events.read('stderr', data);
  });
  return {
    ...{ primary, events, stderr: () => text },
    async [Symbol.asyncDispose]() {
      if (primary.exitCode !== null || primary.signalCode !== null) return;
      primary.kill('SIGTERM');
      await once(primary, 'exit');
    },
  };
}

/** Listens and accepts nothing, as systemd does: the thread whose loop would accept stands still until the end. */
async function listening(address: string, type: 4 | 6 | -1): Promise<Listening> {
  const thread = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const handle = require('node:net')._createServerHandle(...workerData);
     const name = {};
     handle.getsockname?.(name);
     parentPort.postMessage({ fd: handle.fd, port: name.port, errno: handle.listen(511) });
     Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
    { eval: true, workerData: [address, type === -1 ? -1 : 0, type] },
  );
  const [{ fd, port, errno }] = (await once(thread, 'message')) as [{ fd: number; port: number; errno: number }];
  assert.equal(errno, 0);
  return { fd, port, close: () => thread.terminate() };
}

const takeover = (sockets: readonly object[]): object => ({
  ...{ schema: 1, reason: 'resurrection', name: 'x', from: { pid: 1, born: '1' }, generation: 4 },
  sockets,
});

test('clients that came before the supervisor are served, at every IPv4 address too, and one that nobody wants is told', async () => {
  const wide = await listening('::', 6);
  const unwanted = await listening('127.0.0.1', 4);
  const early = fetch({ port: wide.port });
  const binds = JSON.stringify([{ port: wide.port, host: '0.0.0.0' }]);
  await using app = start('data-plane/binds.cjs', [wide, unwanted], 'systemd', { BINDS: binds });
  assert.equal((await early).status, 200);
  const told = await app.events.waitFor('inherited-unused');
  assert.equal(told.kept, true);
  assert.deepEqual(
    (told.listeners as { port: number }[]).map(({ port }) => port),
    [unwanted.port],
  );

  app.primary.kill('SIGTERM');
  await once(app.primary, 'exit');
  assert.equal(app.primary.exitCode, 0, app.stderr());
  // The service manager still holds it: who comes now waits for the next supervisor.
  const late = net.connect(wide.port, '127.0.0.1');
  await once(late, 'connect');
  late.destroy();
  await wide.close();
  await unwanted.close();
});

test('in the place of another supervisor: ports, any ports, paths and UDP go on, and nothing leaks into the workers', async () => {
  const path = join(process.env.TUTTI_HOME ?? '', 'app.sock');
  const named = await listening('::', 6);
  const any = [await listening('127.0.0.1', 4), await listening('127.0.0.1', 4)];
  const unix = await listening(path, -1);
  const handles = [named, ...any, unix];
  const indexes = [null, 0, 1, null];
  const sockets = handles.map((_, place) => ({ fd: 3 + place, index: indexes[place], kept: false }));
  const binds = JSON.stringify([
    { port: named.port },
    { port: 0, host: '127.0.0.1' },
    { port: 0, host: '127.0.0.1' },
    { path },
  ]);
  await using app = start('data-plane/binds.cjs', handles, takeover(sockets), { BINDS: binds });
  await app.events.waitFor(({ type, state }) => type === 'state' && state === 'running');
  // From now on only the heirs accept. The path stays: whoever hands a socket over lets go without removing it.
  for (const handle of [named, ...any]) await handle.close();
  const { body } = await fetch({ port: named.port });
  const { addresses } = JSON.parse(body) as { addresses: ({ port: number } | string)[] };
  const ports = addresses.map((address) => (typeof address === 'string' ? address : address.port));
  assert.deepEqual(ports, [named.port, any[0]?.port, any[1]?.port, path]);
  assert.equal((await fetch({ socketPath: path })).status, 200);

  const [worker] = app.events.workers();
  const inPrimary = sockets.map(({ fd }) => readlinkSync(`/proc/${app.primary.pid}/fd/${fd}`));
  const inWorker = readdirSync(`/proc/${worker}/fd`).map((fd) => readLink(`/proc/${worker}/fd/${fd}`));
  for (const socket of inPrimary) {
    assert.ok(inWorker.filter((one) => one === socket).length <= 1, `${socket} twice: ${inWorker.join(' ')}`);
  }

  app.primary.kill('SIGTERM');
  await once(app.primary, 'exit');
  assert.equal(app.primary.exitCode, 0, app.stderr());
  assert.ok(!existsSync(path), 'as when it had been bound here');
  await unix.close();
});

test('UDP goes on', async () => {
  const port = await freePort();
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.bind(port, '127.0.0.1', done));
  const state = Object.getOwnPropertySymbols(socket)
    .map((symbol) => (socket as unknown as Record<symbol, { handle?: { fd: number; recvStop(): void } }>)[symbol])
    .find((value) => value?.handle !== undefined);
  assert.ok(state?.handle);
  state.handle.recvStop();
  const sockets = [{ fd: 3, index: null, kept: false }];
  await using app = start('udp-echo.cjs', [state.handle], takeover(sockets), { PORT: String(port) });
  const client = createSocket('udp4');
  const answer = once(client, 'message');
  client.send('early', port, '127.0.0.1');
  assert.match(String((await answer)[0]), /^\d+ early$/, app.stderr());
  client.close();
  socket.close();
});

test('what is no listening socket is left alone, and told', async () => {
  const port = await freePort();
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, done));
  const client = net.connect((server.address() as net.AddressInfo).port);
  await once(client, 'connect');
  await using app = start('hello.cjs', [(client as unknown as { _handle: { fd: number } })._handle], 'systemd', {
    PORT: String(port),
  });
  const told = await app.events.waitFor(
    (event) => event.type === 'notice' && /descriptor 3/.test(String(event.message)),
  );
  assert.ok(told);
  assert.equal((await fetch({ port })).status, 200);
  client.destroy();
  server.close();
});

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
