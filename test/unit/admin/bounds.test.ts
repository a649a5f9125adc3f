// What clients may cost the supervisor: connections, bytes, requests under way, time.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Route } from '../../../src/admin/api/target.ts';
import { type Client, MAX_CLIENTS, MAX_PER_ADDRESS, Places } from '../../../src/admin/server/places.ts';
import { eventually, within } from '../../support/eventually.ts';
import { ask, openAdmin } from './open-admin.ts';

/** A client that sends this and keeps what comes back. */
function client(test: TestContext, at: string | number, text = ''): Socket & { answer: string; isOver: boolean } {
  const socket = typeof at === 'string' ? connect(at) : connect(at, '127.0.0.1');
  const known = Object.assign(socket, { answer: '', isOver: false });
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    known.answer += String(chunk);
  });
  socket.on('close', () => {
    known.isOver = true;
  });
  socket.write(text);
  test.after(() => socket.destroy());
  return known;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;

describe('the bounds of the admin API', () => {
  it('serves one request of a connection at a time, and all of them', async (test) => {
    const waiting: (() => void)[] = [];
    const metrics = () =>
      new Promise<{ contentType: string; body: string }>((done) => {
        waiting.push(() => done({ contentType: 'text/plain', body: 'up 1\n' }));
      });
    const { paths } = await openAdmin(test, { extras: { metrics } });
    const body = '{"by":1}';
    const post = `POST /v1/scale HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const eager = client(test, paths.socket, `\r\n${get('/metrics').repeat(5)}${post}${get('/livez')}`);
    for (let round = 1; round <= 5; round += 1) {
      await eventually(`request ${round}`, () => waiting.length === round);
      assert.equal((await ask(paths.socket, 'GET', '/livez')).status, 200);
      assert.equal(waiting.length, round, 'the next request waits for the answer');
      waiting[round - 1]?.();
    }
    await eventually('the other answers', () => (eager.answer.match(/HTTP\/1\.1 /g)?.length ?? 0) === 7);
    assert.deepEqual(
      [...eager.answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1])),
      [200, 200, 200, 200, 200, 401, 200],
    );
  });

  it('takes requests in any pieces', async (test) => {
    const { paths } = await openAdmin(test);
    const slow = client(test, paths.socket);
    for (const byte of get('/livez').repeat(2)) {
      slow.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('both answers', () => (slow.answer.match(/HTTP\/1\.1 200/g)?.length ?? 0) === 2);
  });

  it('refuses a body whose length is not told', async (test) => {
    const { paths, target } = await openAdmin(test);
    const head = 'POST /v1/stop HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';
    const one = client(test, paths.socket, `${head}2\r\n{}\r\n0\r\n\r\n${get('/livez')}`);
    await eventually('the end', () => one.isOver);
    assert.match(one.answer, /^HTTP\/1\.1 411 /);
    assert.deepEqual(target.commands, []);
  });

  it('closes the connection that was silent for longest, and always serves the newest', async (test) => {
    const { paths, address } = await openAdmin(test, { listen: '127.0.0.1' });
    for (const at of [paths.socket, address?.port ?? 0]) {
      const silent: ReturnType<typeof client>[] = [];
      for (let index = 0; index < 70; index += 1) {
        const one = client(test, at);
        await new Promise((connected) => one.once('connect', connected));
        silent.push(one);
      }
      const began = performance.now();
      assert.equal((await ask(at, 'GET', '/livez')).status, 200);
      assert.ok(performance.now() - began < 1000);
      await eventually('the oldest to be closed', () => silent.slice(0, 7).every((one) => one.isOver));
      assert.ok(silent.slice(-50).every((one) => !one.isOver));
      for (const one of silent) one.destroy();
    }
  });

  it('counts streams at each door for itself', async (test) => {
    const { address, client: operator } = await openAdmin(test, { listen: '127.0.0.1' });
    const streams = Array.from({ length: 32 }, () => client(test, address?.port ?? 0, get('/v1/events')));
    await eventually('the streams to be open', () => streams.every((one) => one.answer.includes('event-stream')));
    assert.equal((await ask(address?.port ?? 0, 'GET', '/v1/events')).status, 503);
    const leave = new AbortController();
    await operator.events({ history: false, signal: leave.signal });
    leave.abort();
  });

  it('keeps a bounded number of answers that nobody takes', async (test) => {
    const body = 'x'.repeat(2_000_000);
    const { paths } = await openAdmin(test, { extras: { metrics: async () => ({ contentType: 'text/plain', body }) } });
    const deaf = Array.from({ length: 50 }, () => client(test, paths.socket, get('/metrics')));
    for (const one of deaf) one.pause();
    assert.equal((await ask(paths.socket, 'GET', '/metrics')).text.length, body.length);
    for (const one of deaf) one.resume();
    await eventually('the end', () => deaf.every((one) => one.isOver || one.answer.endsWith(body)));
    const whole = deaf.filter((one) => one.answer.endsWith(body)).length;
    assert.ok(whole >= 4 && whole <= 10, `${whole} answers of 2 MB were kept`);
  });

  it('cancels what nobody waits for any more: a client has left, or the supervisor ends', async (test) => {
    const signals: AbortSignal[] = [];
    const route: Route = {
      ...{ method: 'get', path: '/v1/slow', access: 'read', summary: 'Never answers.', answers: {} },
      handle: async ({ whileWanted }) => {
        const signal = whileWanted();
        signals.push(signal);
        await new Promise((aborted) => signal.addEventListener('abort', aborted));
        return { status: 503, json: {} };
      },
    };
    const { paths, server } = await openAdmin(test, { extras: { routes: [route] } });
    const one = client(test, paths.socket, get('/v1/slow'));
    await eventually('the request', () => signals.length === 1);
    one.destroy();
    await eventually('the cancellation', () => signals[0]?.aborted === true);
    client(test, paths.socket, get('/v1/slow'));
    await eventually('the request', () => signals.length === 2);
    await within('the server to close', server.close(), 1500);
    assert.ok(signals[1]?.aborted);
  });
});

describe('places', () => {
  function setUp() {
    let now = 0;
    const places = new Places(() => now);
    const gone: string[] = [];
    const enter = (name: string, address: string, unread = 0): Client => {
      now += 1;
      const one: Client = { address, unreadBytes: () => unread, leave: () => gone.push(name) };
      places.enter(one);
      return one;
    };
    return {
      ...{ places, gone, enter },
      later: (ms: number) => {
        now += ms;
      },
    };
  }

  it('go first to addresses that have few', () => {
    const { gone, enter } = setUp();
    for (let index = 0; index < MAX_PER_ADDRESS; index += 1) enter(`a${index}`, 'a');
    enter('more', 'a');
    assert.deepEqual(gone, ['a0']);
    for (let index = MAX_PER_ADDRESS; index < MAX_CLIENTS; index += 1) enter(`b${index}`, 'b');
    enter('probe', 'c');
    assert.deepEqual(gone, ['a0', 'a1'], 'the address that has the most gives one up');
  });

  it('are never taken from a stream, and from a client that asks only when none is silent', () => {
    const { places, gone, enter } = setUp();
    const all = Array.from({ length: MAX_CLIENTS }, (_, index) => enter(String(index), ''));
    for (const one of all.slice(0, 3)) places.becomes(one, 'staying');
    for (const one of all.slice(3, MAX_CLIENTS - 1)) places.becomes(one, 'asking');
    const last = String(MAX_CLIENTS - 1);
    places.becomes(enter('new', ''), 'asking');
    assert.deepEqual(gone, [last]);
    enter('newer', '');
    assert.deepEqual(gone, [last, '3']);
  });

  it('are refused when all of them are kept', () => {
    const { places, gone, enter } = setUp();
    for (let index = 0; index < MAX_CLIENTS; index += 1) places.becomes(enter(String(index), ''), 'staying');
    enter('new', '');
    assert.deepEqual(gone, ['new']);
  });

  it('are given back by those who stay silent or do not take their answer', () => {
    const { places, gone, enter, later } = setUp();
    enter('silent', '');
    places.becomes(enter('stream', ''), 'staying');
    places.becomes(enter('deaf', '', 1000), 'asking');
    later(9_000);
    places.sweep();
    assert.deepEqual(gone, []);
    later(2_000);
    places.sweep();
    assert.deepEqual(gone, ['silent']);
    later(20_000);
    places.sweep();
    assert.deepEqual(gone, ['silent', 'deaf']);
    assert.equal(places.size, 1);
  });
});
