// The drain of an unmodified HTTP/1 server (design: steps 1 to 4), against one real worker.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { connect, type RawClient } from '../support/raw-client.ts';
import { endWorkers, fixture, RigWorker } from '../support/worker-rig.ts';

const clients: RawClient[] = [];
async function open(port: number, options = {}): Promise<RawClient> {
  const client = await connect(port, options);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await endWorkers();
});

describe('drain of HTTP/1', () => {
  it('ends at once when nothing is open', async () => {
    const worker = new RigWorker({ entry: fixture('hello.cjs') });
    await worker.port();
    assert.deepEqual(await worker.drain(), []);
    const { code, signal } = await worker.terminate();
    assert.deepEqual([code, signal], [null, 'SIGTERM']);
  });

  it('lets a request in flight finish, and says close with it', async () => {
    const worker = new RigWorker({ entry: fixture('slow-response.cjs') });
    const client = await open(await worker.port());
    client.get('/?ms=400');
    await worker.requestsInFlight(1);
    assert.deepEqual(await worker.drain(), []);
    await client.until('the whole answer', ({ text }) => text.includes('slow hello'));
    assert.match(client.text, /connection: close/i);
    await client.until('the end', ({ closed }) => closed);
    assert.equal(client.error, null);
  });

  it('closes a keep-alive connection with its next answer, also when the application forces keep-alive', async () => {
    const worker = new RigWorker({ entry: fixture('keep-alive-forced.cjs') });
    const port = await worker.port();
    for (const path of ['/object', '/flat', '/pairs', '/set', '/plain']) {
      const client = await open(port);
      client.get(path);
      await client.until('an answer', ({ answers }) => answers === 1);
    }
    await worker.beginDrain();
    for (const [i, path] of ['/object', '/flat', '/pairs', '/set', '/plain'].entries()) {
      const client = clients[i] as RawClient;
      client.get(path);
      await client.until(`the second answer of ${path}`, ({ answers, closed }) => answers === 2 && closed);
      assert.equal(client.text.match(/connection: close/gi)?.length, 1, client.text);
      assert.equal(client.error, null);
    }
    await worker.input('worker-drained');
  });

  it('answers every pipelined request that was executed, and closes with the last one', async () => {
    const worker = new RigWorker({ entry: fixture('pipeline.cjs') });
    const client = await open(await worker.port());
    client.get('/first?ms=6000');
    // Answered by the time it is counted: it must not be the one that announces the close.
    client.get('/second');
    await worker.requestsInFlight(2);
    await worker.beginDrain();
    client.get('/third?ms=10');
    await eventually('the third has arrived', () => worker.beats.at(-1)?.requestsTotal === 3);
    assert.deepEqual(await worker.drain(), []);
    await client.until('the end', ({ closed }) => closed);
    assert.deepEqual(executed(worker), ['/first', '/second', '/third']);
    assert.deepEqual(
      client.text.match(/body of \S+/g),
      ['/first', '/second', '/third'].map((path) => `body of ${path}`),
    );
    assert.equal(client.text.match(/connection: close/gi)?.length, 1);
    assert.ok(client.text.search(/connection: close/i) > client.text.indexOf('body of /second'));
  });

  it('does not execute a request that comes behind an announced close', async () => {
    const worker = new RigWorker({ entry: fixture('pipeline.cjs') });
    const client = await open(await worker.port());
    client.get('/first?ms=0');
    await client.until('an answer', ({ text }) => text.includes('body of /first'));
    await worker.beginDrain();
    client.get('/streamed?ms=300&head=now');
    await client.until('the head', ({ text }) => /connection: close/i.test(text));
    client.send('POST /late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi');
    await worker.hasRead();
    assert.deepEqual(await worker.drain(), []);
    await client.until('the end', ({ closed }) => closed);
    assert.match(client.text, /body of \/streamed/);
    assert.deepEqual(executed(worker), ['/first', '/streamed']);
  });

  it('waits for a request whose header is only half sent, and answers it', async () => {
    const worker = new RigWorker({ entry: fixture('hello.cjs') });
    const port = await worker.port();
    const fresh = await open(port);
    fresh.send('GET / HTTP/1.1\r\nHost: loc');
    const used = await open(port);
    used.get('/');
    await used.until('an answer', ({ answers }) => answers === 1);
    used.send('GET / HTTP/1.1\r\nHo');
    await worker.hasRead();
    await worker.beginDrain();
    assert.equal(worker.has('worker-drained'), false);
    fresh.send('alhost\r\n\r\n');
    used.send('st: localhost\r\n\r\n');
    await fresh.until('the answer', ({ answers, closed }) => answers === 1 && closed);
    await used.until('the answer', ({ answers, closed }) => answers === 2 && closed);
    assert.deepEqual((await worker.input('worker-drained')).left, []);
  });

  it('answers on a connection that was opened before and unused', async () => {
    const worker = new RigWorker({ entry: fixture('hello.cjs') });
    const client = await open(await worker.port());
    await eventually('the connection is seen', () => worker.beats.at(-1)?.connections === 1);
    await worker.beginDrain();
    client.get('/');
    await client.until('the answer', ({ answers, closed }) => answers === 1 && closed);
    assert.deepEqual((await worker.input('worker-drained')).left, []);
  });

  it('ends unused and idle connections when their linger is over, without a reset', async () => {
    const worker = new RigWorker({ entry: fixture('short-keep-alive.cjs'), env: { KEEP_ALIVE_MS: '300' } });
    const port = await worker.port();
    const unused = await open(port, { allowHalfOpen: true });
    const idle = await open(port);
    await eventually('the connections are seen', () => worker.beats.at(-1)?.connections === 2);
    idle.get('/');
    await idle.until('an answer', ({ answers }) => answers === 1);
    const before = performance.now();
    assert.deepEqual(await worker.drain(), []);
    assert.ok(performance.now() - before > 250);
    assert.deepEqual([idle.closed, idle.error], [true, null]);
    await unused.until('its end', ({ ended }) => ended);
    assert.equal(unused.error, null);
  });

  it('ends idle connections just before the deadline when the server never would', async () => {
    const worker = new RigWorker({ entry: fixture('short-keep-alive.cjs'), env: { KEEP_ALIVE_MS: '0' } });
    const idle = await open(await worker.port());
    idle.get('/');
    await idle.until('an answer', ({ answers }) => answers === 1);
    assert.deepEqual(await worker.drain(1500), []);
    assert.deepEqual([idle.ended, idle.error], [true, null]);
  });

  it('reports what is still open at the deadline', async () => {
    const worker = new RigWorker({ entry: fixture('slow-response.cjs') });
    const port = await worker.port();
    const slow = await open(port);
    slow.get('/report?ms=60000&secret=1');
    const half = await open(port);
    half.send('GET / HT');
    await worker.requestsInFlight(1);
    const left = await worker.drain(300);
    assert.equal(left.length, 2, left.join());
    assert.match(left[0] ?? '', /^request GET \/report in flight for \d\.\d s$/);
    assert.equal(left[1], '1 connection with an unfinished request');
    await worker.terminate();
  });

  it('delivers a long download whole', async () => {
    const worker = new RigWorker({ entry: fixture('slow-download.cjs'), env: { CHUNK_MS: '20' } });
    const client = await open(await worker.port());
    client.get('/', 'Connection: close\r\n');
    await client.until('the first bytes', ({ text }) => text.length > 20_000);
    assert.deepEqual(await worker.drain(), []);
    await client.until('the end', ({ closed, text }) => closed || text.length > 32 * 16384);
    const body = Buffer.from(client.text.slice(client.text.indexOf('\r\n\r\n') + 4), 'latin1');
    assert.equal(body.length, 32 * 16384);
    assert.ok(body.every((byte, i) => byte === i % 251));
  });

  it('waits for plain TCP and upgraded connections, and never closes the server', async () => {
    const worker = new RigWorker({ entry: fixture('tcp-and-upgrade.cjs') });
    const tcp = await open(await worker.port(0));
    const upgraded = await open(await worker.port(1));
    upgraded.send('GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await upgraded.until('the upgrade', ({ text }) => text.includes('101'));
    tcp.send('one');
    await tcp.until('the echo', ({ text }) => text === 'one');
    await worker.beginDrain();
    tcp.send('two');
    upgraded.send('more');
    await tcp.until('the echo', ({ text }) => text === 'onetwo');
    await upgraded.until('the echo', ({ text }) => text.endsWith('more'));
    assert.equal(worker.has('worker-drained'), false);
    tcp.socket.end();
    upgraded.socket.end();
    assert.deepEqual((await worker.input('worker-drained')).left, []);
    // The application's own shutdown code finds its servers as it left them.
    const { code } = await worker.terminate();
    assert.equal(code, 0, worker.stderr);
    assert.equal(worker.stdout, 'listening true true\nclosed\nclosed\n');
  });
});

function executed(worker: RigWorker): string[] {
  return worker.stdout.split('\n').filter((line) => line !== '');
}
