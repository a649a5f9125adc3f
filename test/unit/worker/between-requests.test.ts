// A connection of which nothing has been read, on a real socket, is put where one waits for its next request.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { canResume, resumeBetweenRequests } from '../../../src/worker/connections/between-requests.ts';
import { parsersOf } from '../../../src/worker/connections/idle.ts';

test('this Node can', () => {
  assert.equal(canResume(), true);
});

test('the connection counts as idle, its limits begin with the next byte, and the application sees nothing of it', async (t) => {
  const made: unknown[] = [];
  class Incoming extends http.IncomingMessage {
    constructor(socket: Socket) {
      super(socket);
      made.push(this);
    }
  }
  const urls: (string | undefined)[] = [];
  const server = http.createServer({ IncomingMessage: Incoming }, (request, response) => {
    urls.push(request.url);
    response.end('answer');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => {
    client.destroy();
    server.close();
  });
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const active = () => parsersOf(server)?.active().length;
  assert.equal(active(), 1);
  resumeBetweenRequests(accepted);
  assert.equal(active(), 0);
  assert.deepEqual(
    parsersOf(server)
      ?.idle()
      .map(({ socket }) => socket),
    [accepted],
  );

  client.write('GET /next HTTP/1.1\r\nHo');
  while (active() === 0) await new Promise(setImmediate);
  client.write('st: x\r\n\r\n');
  assert.match(String((await once(client, 'data'))[0]), /^HTTP\/1.1 200 OK(.|\r\n)*answer$/);
  assert.deepEqual(urls, ['/next']);
  assert.equal(made.length, 1);
});
