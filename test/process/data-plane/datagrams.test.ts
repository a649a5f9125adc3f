// UDP: servers share their port, clients never do.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { DataPlaneRig } from '../../support/data-plane-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { startRig } from '../../support/rig.ts';

const fixture = 'data-plane/datagrams.cjs';

test('workers share a UDP port, which outlives them, and each keeps its clients’ sockets to itself', async () => {
  await using rig = new DataPlaneRig('kernel');
  const port = await freePort();
  const env = { PORT: String(port) };
  const workers = [await rig.start({ fixture, env }), await rig.start({ fixture, env })];
  const clients = [];
  for (const worker of workers) {
    clients.push((await worker.hears<{ client: number }>('its client', (m) => 'client' in m)).client);
  }
  assert.notEqual(clients[0], clients[1]);
  for (const [i, worker] of workers.entries()) worker.tell({ ask: `from ${i}` });
  for (const [i, worker] of workers.entries()) {
    const { answer } = await worker.hears<{ answer: string }>('the answer', (message) => 'answer' in message);
    assert.match(answer, new RegExp(`^\\d+ from ${i}$`));
  }
  for (const worker of workers) await rig.kill(worker);

  const socket = createSocket('udp4');
  const said = once(socket, 'message');
  await new Promise((done) => socket.send('while nobody is there', port, '127.0.0.1', done));
  const next = await rig.start({ fixture, env });
  const [data] = await said;
  assert.equal(String(data), `${next.pid} while nobody is there`);
  socket.close();
});

test('a gated worker reads no datagram, and a draining one leaves them to its siblings', async () => {
  await using rig = new DataPlaneRig('kernel');
  const env = { PORT: String(await freePort()) };
  const first = await rig.start({ fixture, env });
  const second = await rig.start({ fixture, env, gated: true, ready: false });
  await eventually('it listens', () => second.listeners);
  const socket = createSocket('udp4');
  const answerers = async () => {
    const pids = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const said = once(socket, 'message');
      socket.send(String(i), Number(env.PORT), '127.0.0.1');
      pids.add(Number.parseInt(String((await said)[0]), 10));
    }
    return [...pids];
  };
  assert.deepEqual(await answerers(), [first.pid]);
  rig.admit(second);
  rig.drain(first);
  await eventually('the second answers alone', async () => (await answerers()).join() === String(second.pid));
  socket.close();
});

test('a server with nothing but a UDP socket lives through its time as a canary', async () => {
  await using rig = await startRig({ fixture: 'udp-echo.cjs', flags: { 'canary-time': '300ms' } });
  const before = rig.ready();
  const result = await rig.reload();
  assert.equal(result.type, 'reload-done', JSON.stringify(result));
  const socket = createSocket('udp4');
  const said = once(socket, 'message');
  socket.send('hello', rig.port, '127.0.0.1');
  assert.ok(!before.includes(Number.parseInt(String((await said)[0]), 10)), 'a new worker answers');
  socket.close();
});

test('every worker joins a multicast group, and one that leaves does not take it from the others', async () => {
  await using rig = await startRig({ fixture: 'multicast.cjs' });
  assert.equal(rig.stdout.match(/joined, twice: EADDRINUSE/g)?.length, 2, rig.stdout);
  assert.equal((await rig.reload()).type, 'reload-done');
  await eventually(
    'both old workers to have left',
    () => rig.stdout.match(/left, twice: EADDRNOTAVAIL/g)?.length === 2,
  );
  const socket = createSocket('udp4');
  const said = once(socket, 'message');
  socket.bind(0, () => {
    socket.setMulticastInterface('127.0.0.1');
    socket.send('hello', rig.port, '239.255.41.41');
  });
  assert.ok(rig.ready().includes(Number.parseInt(String((await said)[0]), 10)));
  socket.close();
});
