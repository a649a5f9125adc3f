// Promise: behind nginx, with the site that tutti export nginx makes, no request is lost that nginx may send again, whatever happens to the
// workers; and a client can be kept with its worker.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { times } from '../support/form.ts';
import { freePorts } from '../support/free-port.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { exportSite, noNginx as skip, startNginx } from '../support/nginx.ts';
import { startRig } from '../support/rig.ts';
import { fixture } from '../support/sandbox.ts';
import { SocketIoClients } from '../support/socket-io-clients.ts';

const workers = times({ short: 2, default: 2, long: 4 });
const reloads = times({ short: 1, default: 1, long: 20 });

for (const balance of ['least-connections', 'ports'] as const) {
  test(`${balance}: reloads and a worker killed every second cost no request that nginx may repeat`, {
    skip,
  }, async (t) => {
    const port = await freePorts(workers);
    const flags = { workers, balance };
    await using rig = await startRig({ fixture: 'hello.cjs', port, flags: { ...flags, 'drain-timeout': '10s' } });
    const site = exportSite(
      'nginx',
      fixture('hello.cjs'),
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
      '--port',
      String(port),
    );
    await using nginx = await startNginx(site);

    // A reload alone ends nothing, so that not even a POST is lost.
    await using mixed = await startLoad({ port: nginx.port, keepAlive: 10, fresh: 5 });
    assert.equal((await rig.reload()).type, 'reload-done');
    await mixed.more(100);
    assertNothingLost(await mixed.stop(), 200);

    await using load = await startLoad({ port: nginx.port, keepAlive: 10, fresh: 5, gets: true });
    let killed = 0;
    const kill = (): void => {
      const ready = rig.ready();
      const victim = ready[killed % ready.length];
      if (victim === undefined) return;
      process.kill(victim, 'SIGKILL');
      killed += 1;
    };
    const killing = setInterval(kill, 1000);
    try {
      // One that a kill has met may be rolled back.
      for (let round = 0; round < reloads; round += 1) {
        await rig.reload();
        await load.more(200);
      }
      await eventually('workers to be killed', () => killed >= reloads);
    } finally {
      clearInterval(killing);
    }
    await rig.untilReady(workers);
    await load.more(100);
    const result = await load.stop();
    t.diagnostic(
      `${result.ok} requests, ${reloads} reloads, ${killed} kills, slowest answer ${Math.round(result.maxMs)} ms`,
    );
    assertNothingLost(result, 400);
  });
}

test('ports: Socket.IO over HTTP long-polling keeps its sessions, and finds them again after a reload', {
  skip,
}, async () => {
  const port = await freePorts(4);
  const flags = { workers: 4, balance: 'ports', 'drain-timeout': '2s' };
  await using rig = await startRig({ fixture: 'data-plane/socket-io.cjs', port, flags });
  const site = exportSite(
    'nginx',
    fixture('data-plane/socket-io.cjs'),
    '--workers',
    '4',
    '--balance',
    'ports',
    '--port',
    String(port),
  );
  await using nginx = await startNginx(site);
  using clients = new SocketIoClients(nginx.port);
  await clients.keepTheirWorkers(3);
  assert.equal((await rig.reload()).type, 'reload-done');
  await clients.areHeardAgain();
});

test('nginx takes the site of every kind', { skip }, async () => {
  const ports = ['--balance', 'ports', '--workers', '3'];
  for (const flags of [
    ['--keep-alive-timeout', '65s', '--domain', '*.example.org'],
    ['--machine', '10.0.0.1', '--machine', '::1'],
    [...ports, '--sticky', 'cookie'],
    [...ports, '--sticky', 'cookie:connect.sid'],
    [...ports, '--sticky', 'header:X-User', '--machine', '10.0.0.1', '--machine', '10.0.0.2'],
  ]) {
    await using nginx = await startNginx(exportSite('nginx', fixture('hello.cjs'), '--name', 'my-app.v2', ...flags));
    assert.equal(nginx.errors(), '', flags.join(' '));
  }
});
