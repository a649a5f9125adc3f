// The counting of requests, against Node's own HTTP servers in this process.

import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { allConnections, trackConnections } from '../../../src/worker/connections/connections.ts';
import {
  countRequests,
  requestCounts,
  requestExtra,
  requestsInFlight,
  setGate,
} from '../../../src/worker/report/requests.ts';
import { eventually } from '../../support/eventually.ts';
import { connect } from '../../support/raw-client.ts';

trackConnections();
countRequests();

let release: (() => void)[] = [];
const handler = (request: { url?: string | undefined }, response: { end(text: string): unknown }): void => {
  if (request.url?.startsWith('/wait')) release.push(() => response.end('waited'));
  else response.end('ok');
};
const server = http.createServer(handler as http.RequestListener);
const server2 = http2.createServer(handler as never);
const portOf = (of: Server): number => (of.address() as AddressInfo).port;

before(async () => {
  for (const each of [server, server2]) await new Promise<void>((done) => each.listen(0, done));
});
after(() => {
  for (const each of [server, server2]) each.close();
});

async function idle(): Promise<void> {
  await eventually('nothing is open', () => allConnections().size === 0 && requestCounts().active === 0);
}

describe('the counting of requests', () => {
  it('agrees in totals, classes and latency', async () => {
    const { total } = requestCounts();
    const before = requestExtra();
    const client = await connect(portOf(server));
    for (let i = 1; i <= 3; i++) {
      client.get('/');
      await client.until('an answer', ({ answers }) => answers === i);
    }
    assert.equal(requestCounts().total, total + 3);
    const now = requestExtra();
    assert.equal((now.status[2] ?? 0) - (before.status[2] ?? 0), 3);
    const sum = (counts: number[]): number => counts.reduce((a, b) => a + b, 0);
    assert.equal(sum(now.latencyBuckets.counts) - sum(before.latencyBuckets.counts), 3);
    client.destroy();
    await idle();
  });

  it('keeps the order of pipelined requests, and leaves none behind when the client quits', async () => {
    const aborted = requestExtra().status[0] ?? 0;
    const client = await connect(portOf(server));
    client.get('/wait/1?x');
    client.get('/wait/2');
    client.get('/wait/3');
    await eventually('three in flight', () => requestCounts().active === 3);
    assert.deepEqual(
      requestsInFlight().map(({ path }) => path),
      ['/wait/1', '/wait/2', '/wait/3'],
    );
    release[0]?.();
    await client.until('the first', ({ answers }) => answers === 1);
    assert.deepEqual(
      requestsInFlight().map(({ path }) => path),
      ['/wait/2', '/wait/3'],
    );
    client.destroy();
    await idle();
    assert.equal((requestExtra().status[0] ?? 0) - aborted, 2);
    release = [];
  });

  it('counts the streams of HTTP/2', async () => {
    const { total } = requestCounts();
    const session = http2.connect(`http://127.0.0.1:${portOf(server2)}`);
    const stream = session.request({ ':path': '/wait/h2?x' });
    await eventually('one in flight', () => requestCounts().active === 1);
    assert.deepEqual(
      requestsInFlight().map(({ method, path }) => `${method} ${path}`),
      ['GET /wait/h2'],
    );
    release.pop()?.();
    stream.resume();
    await new Promise((done) => stream.once('close', done));
    assert.equal(requestCounts().total, total + 1);
    session.close();
    await idle();
  });

  it('lets a gate keep a request from the application', async () => {
    const { total } = requestCounts();
    const seen: string[] = [];
    setGate((_connection, { request }) => {
      seen.push(request.url ?? '');
      return request.url !== '/no';
    });
    const client = await connect(portOf(server));
    client.get('/yes');
    await client.until('an answer', ({ answers }) => answers === 1);
    client.get('/no');
    await client.until('an answer', ({ answers }) => answers === 2);
    setGate(null);
    assert.deepEqual(seen, ['/yes', '/no']);
    assert.equal(requestCounts().total, total + 1);
    client.destroy();
    await idle();
  });
});
