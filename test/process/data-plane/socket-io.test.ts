// ip-hash: Socket.IO over HTTP long-polling, where each request of a session has to meet the process that has the session.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRig } from '../../support/rig.ts';
import { SocketIoClients } from '../../support/socket-io-clients.ts';

test('Socket.IO keeps its sessions on 4 workers without sticky code, and finds them again after reloads', async () => {
  const flags = { workers: 4, balance: 'ip-hash', 'drain-timeout': '2s' };
  await using rig = await startRig({ fixture: 'data-plane/socket-io.cjs', flags });
  using clients = new SocketIoClients(rig.port);
  await clients.keepTheirWorkers(10);
  for (let reload = 0; reload < 2; reload += 1) {
    assert.equal((await rig.reload()).type, 'reload-done');
    await clients.areHeardAgain();
  }
});
