// Which connections are between two requests, on real sockets, read from Node's own list and, without one, asked of the server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import type { Connection } from '../../../src/worker/connections/connections.ts';
import { socketsBetweenRequests } from '../../../src/worker/connections/idle.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Three connections: one has its answer, one waits for it, one has sent half a header. */
async function threeConnections(): Promise<{ server: http.Server; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  let isHeld = (): void => {};
  const held = new Promise<void>((resolve) => {
    isHeld = resolve;
  });
  const server = http.createServer((request, response) => {
    if (request.url === '/held') isHeld();
    else response.end('answer');
  });
  server.on('connection', (socket) => accepted.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const send = async (text: string): Promise<Socket> => {
    const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    closers.push(() => client.destroy());
    const counted = once(server, 'connection');
    await once(client, 'connect');
    await counted;
    client.write(text);
    return client;
  };
  await once(await send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'data');
  await send('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
  await held;
  await send('GET / HTTP/1.1\r\nHo');
  const half = accepted[2] as Socket;
  while (half.bytesRead === 0) await new Promise(setImmediate);
  return { server, accepted };
}

function idleOf(server: http.Server): Set<Socket> {
  return socketsBetweenRequests([{ server } as unknown as Connection]);
}

test('only the connection that has its answer is between two requests', async () => {
  const { server, accepted } = await threeConnections();
  const destroy = Object.getOwnPropertyDescriptor(Socket.prototype, 'destroy');
  assert.deepEqual([...idleOf(server)], [accepted[0]]);
  assert.deepEqual(Object.getOwnPropertyDescriptor(Socket.prototype, 'destroy'), destroy);
  assert.equal(accepted[0]?.destroyed, false);
});

test('the same without a list that can be read', async () => {
  const { server, accepted } = await threeConnections();
  // What asks by name gets the list, what looks for it finds none.
  const closable = { closeIdleConnections: () => server.closeIdleConnections() } as http.Server;
  assert.deepEqual([...idleOf(closable)], [accepted[0]]);
  assert.equal(accepted[0]?.destroyed, false);
});
