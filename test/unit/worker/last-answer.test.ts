// How an answer is made the last one of its connection, in each way that an application can write its head.

import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { connectionOf, trackConnections } from '../../../src/worker/connections/connections.ts';
import { announceClose } from '../../../src/worker/drain/last-answer.ts';
import type { AnyServer } from '../../../src/worker/listen/servers.ts';
import { countRequests } from '../../../src/worker/report/requests.ts';
import { connect } from '../../support/raw-client.ts';

trackConnections();
countRequests();

/** What the client gets when the answer is announced as the last one and then written by `write`. */
async function answer(write: (response: http.ServerResponse) => void): Promise<{ text: string; closing: boolean }> {
  const server = http.createServer();
  await new Promise<void>((done) => server.listen(0, done));
  const client = await connect((server.address() as AddressInfo).port);
  let closing = false;
  server.on('request', (request, response) => {
    const connection = connectionOf(request.socket, server as AnyServer);
    assert.ok(connection);
    announceClose(connection, response);
    write(response);
    closing = connection.closing;
  });
  client.get('/');
  await client.until('the end', ({ closed }) => closed);
  server.close();
  return { text: client.text, closing };
}

describe('the last answer of a connection', () => {
  const ways: Record<string, (response: http.ServerResponse) => void> = {
    'end() alone': (response) => response.end('ok'),
    'writeHead() without headers': (response) => response.writeHead(200).end('ok'),
    'headers as an object': (response) => response.writeHead(200, { Connection: 'keep-alive', 'X-Own': '1' }).end('ok'),
    'headers as a flat list': (response) =>
      response.writeHead(200, ['Connection', 'keep-alive', 'X-Own', '1']).end('ok'),
    'headers after a reason': (response) =>
      response.writeHead(200, 'Fine', { connection: 'Keep-Alive', 'X-Own': '1' }).end('ok'),
    'setHeader()': (response) => {
      response.setHeader('connection', 'keep-alive');
      response.end('ok');
    },
    'setHeader() and writeHead()': (response) => {
      response.setHeader('Connection', 'keep-alive');
      response.writeHead(200, { 'X-Own': '1' }).end('ok');
    },
    'a stream': (response) => {
      response.write('o');
      response.end('k');
    },
    'a wrapped writeHead()': (response) => {
      const inner = response.writeHead.bind(response) as (status: number) => http.ServerResponse;
      response.writeHead = ((status: number) => inner(status)) as typeof response.writeHead;
      response.end('ok');
    },
  };
  for (const [name, write] of Object.entries(ways)) {
    it(`says close once: ${name}`, async () => {
      const { text, closing } = await answer(write);
      assert.equal(text.match(/^connection: /gim)?.length, 1, text);
      assert.match(text, /^connection: close/im);
      assert.equal(/X-Own/.test(text), write.toString().includes('X-Own'));
      assert.equal(closing, true);
    });
  }

  it('leaves no trace on the response', async () => {
    await answer((response) => {
      response.writeHead(200);
      assert.equal(Object.hasOwn(response, 'writeHead'), false);
      response.end('ok');
    });
  });

  it('leaves an answer alone whose head is sent', async () => {
    const server = http.createServer((request, response) => {
      const connection = connectionOf(request.socket, server as AnyServer);
      response.flushHeaders();
      if (connection !== null) announceClose(connection, response);
      response.end('ok');
    });
    await new Promise<void>((done) => server.listen(0, done));
    const client = await connect((server.address() as AddressInfo).port);
    client.get('/');
    await client.until('the answer', ({ text }) => text.includes('ok'));
    assert.match(client.text, /^connection: keep-alive/im);
    client.destroy();
    server.close();
  });
});
