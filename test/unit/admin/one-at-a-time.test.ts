// Requests that a client sent ahead come out one by one, byte for byte, whatever the pieces in which they arrive.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { OneAtATime } from '../../../src/admin/server/one-at-a-time.ts';
import '../../support/seed.ts';

/** The client's end: what is pushed arrives, what is written was sent to it. */
function connection(): { raw: Duplex; door: OneAtATime; out: () => string; sent: () => string } {
  let [out, sent] = ['', ''];
  const raw = new Duplex({
    read: () => {},
    write: (chunk, _encoding, done) => {
      sent += chunk;
      done();
    },
  });
  const door = new OneAtATime(raw as unknown as Socket);
  door.on('data', (chunk) => {
    out += chunk.toString('latin1');
  });
  return { raw, door, out: () => out, sent: () => sent };
}

const turn = () => new Promise<void>((done) => setImmediate(done));
const request = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

test('the next request comes out when the answer to the one before has gone', async () => {
  const { raw, door, out } = connection();
  const requests = ['/1', '/2', '/3'].map((path) => request(path));
  raw.push(requests.join(''));
  await turn();
  assert.equal(out(), requests[0]);
  for (let answered = 1; answered < 3; answered += 1) {
    door.next();
    await turn();
    assert.equal(out(), requests.slice(0, answered + 1).join(''));
  }
  door.next();
  raw.push(request('/later'));
  await turn();
  assert.equal(out(), requests.join('') + request('/later'));
});

test('a body belongs to its request, also one that nobody wanted and that comes after the answer', async () => {
  const { raw, door, out } = connection();
  const post = `POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n`;
  raw.push(`${post}GET`);
  await turn();
  assert.equal(out(), post, 'nothing tells yet whether what follows is a body');
  door.expectBody(6);
  await turn();
  assert.equal(out(), `${post}GET`);
  door.next();
  await turn();
  raw.push(` /x${request('/2')}`);
  await turn();
  assert.equal(out(), `${post}GET /x${request('/2')}`);
});

test('what a client sends further ahead is left in its hands, and read when there is room', async () => {
  const { raw, door, out } = connection();
  const long = `GET / HTTP/1.1\r\nX: ${'x'.repeat(4_000)}\r\n\r\n`;
  raw.push(long.repeat(20));
  await turn();
  assert.equal(out(), long);
  assert.equal(raw.isPaused(), true);
  for (let answered = 1; answered < 20; answered += 1) {
    door.next();
    await turn();
  }
  assert.equal(out(), long.repeat(20));
  assert.equal(raw.isPaused(), false);
});

test('empty lines before a request are no request, and a line may end without CR', async () => {
  const { raw, door, out } = connection();
  const bare = 'GET /1 HTTP/1.1\nHost: x\n\n';
  raw.push(`\r\n\r\n${bare}\n\n${request('/2')}`);
  await turn();
  assert.equal(out(), `\r\n\r\n${bare}`);
  door.next();
  await turn();
  assert.equal(out(), `\r\n\r\n${bare}\n\n${request('/2')}`);
});

test('cut anywhere, requests come out whole, in order, and none before its turn', async () => {
  const body = fc.string({ maxLength: 20 }).map((text) => Buffer.from(text).toString('latin1'));
  await fc.assert(
    fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(400)), async (bodies, cuts) => {
      const { raw, door, out } = connection();
      const heads = bodies.map((text, i) => request(`/${i}`, `Content-Length: ${text.length}\r\n`));
      const all = bodies.map((text, i) => `${heads[i]}${text}`).join('');
      const at = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
      for (let i = 1; i < at.length; i += 1) raw.push(Buffer.from(all.slice(at[i - 1], at[i]), 'latin1'));
      let due = '';
      for (const [i, text] of bodies.entries()) {
        due += heads[i];
        await turn();
        assert.equal(out(), due);
        door.expectBody(text.length);
        due += text;
        await turn();
        assert.equal(out(), due);
        door.next();
      }
    }),
    { numRuns: 50 },
  );
});

test('answers reach the client as they are; the end of either side ends the other', async () => {
  const { raw, door, sent } = connection();
  door.write('HTTP/1.1 200 OK\r\n\r\n');
  await turn();
  assert.equal(sent(), 'HTTP/1.1 200 OK\r\n\r\n');
  raw.push(null);
  await turn();
  assert.equal(door.readableEnded, true);
  door.destroySoon();
  await turn();
  assert.deepEqual([door.destroyed, raw.destroyed], [true, true]);
  const reset = connection();
  const failed = new Promise<Error>((resolve) => reset.door.once('error', resolve));
  reset.raw.destroy(new Error('ECONNRESET'));
  assert.equal((await failed).message, 'ECONNRESET');
  assert.equal(reset.door.destroyed, true);
});
