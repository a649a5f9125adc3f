// ip-hash: Socket.IO over HTTP long-polling, where each request of a session has to meet the process that has the session.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, within } from '../../support/eventually.ts';
import { startRig } from '../../support/rig.ts';
import { openSocketIo, type SocketIoClient, say } from '../../support/socket-io-client.ts';

test('Socket.IO keeps its sessions on 4 workers without sticky code, and finds them again after reloads', async () => {
  const flags = { workers: 4, balance: 'ip-hash', 'drain-timeout': '2s' };
  await using rig = await startRig({ fixture: 'data-plane/socket-io.cjs', flags });
  const clients = Array.from({ length: 12 }, (_, i) => openSocketIo(rig.port, `127.0.0.${i * 17 + 3}`));
  try {
    const homes = new Map<SocketIoClient, string>();
    for (let round = 0; round < 10; round += 1) {
      const answers = await within('all are heard', Promise.all(clients.map((each) => say(each, `round ${round}`))));
      for (const [i, answer] of answers.entries()) {
        const client = clients[i] as SocketIoClient;
        const [pid = '', rest] = answer.split(' heard ');
        assert.equal(rest, `round ${round}`);
        assert.equal(pid, homes.get(client) ?? pid);
        homes.set(client, pid);
      }
    }
    assert.deepEqual(
      clients.map(({ disconnects }) => disconnects),
      clients.map(() => 0),
    );
    assert.ok(new Set(homes.values()).size >= 3, 'the clients meet different workers');

    for (let reload = 0; reload < 2; reload += 1) {
      assert.equal((await rig.reload()).type, 'reload-done');
      // Their sessions ended with the old workers; the library opens new ones by itself.
      for (const client of clients) {
        const answer = await eventually('it is heard again', () => say(client, 'again'));
        assert.match(answer, /heard again/);
      }
    }
  } finally {
    for (const { socket, agent } of clients) {
      socket.disconnect();
      agent.destroy();
    }
  }
});
