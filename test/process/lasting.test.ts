// What stays open for as long as its client likes does not keep the application from being told that it has to end.

import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { connect, type RawClient } from '../support/raw-client.ts';
import { startRig } from '../support/rig.ts';
import { endWorkers, fixture, RigWorker } from '../support/worker-rig.ts';

const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await endWorkers();
});

async function upgraded(port: number): Promise<RawClient> {
  const client = await connect(port);
  clients.push(client);
  client.get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
  await client.until('the upgrade', ({ text }) => text.includes('101 Switching'));
  return client;
}

async function streaming(port: number): Promise<RawClient> {
  const client = await connect(port);
  clients.push(client);
  client.get('/events');
  await client.until('an event', ({ text }) => text.includes('data: hello'));
  return client;
}

async function plain(port: number): Promise<RawClient> {
  const client = await connect(port);
  clients.push(client);
  await client.until('a word', ({ text }) => text === 'hello');
  return client;
}

/** Asks for `path`, and waits for the first part of the answer. */
async function asking(protocol: string, port: number, path: string): Promise<() => void> {
  if (protocol === 'http') {
    const client = await connect(port);
    clients.push(client);
    client.get(path);
    await client.until('a part', ({ text }) => /a part|data:/.test(text));
    return () => client.destroy();
  }
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const stream = session.request({ ':path': path });
  stream.on('error', () => {});
  await new Promise((heard) => stream.once('data', heard));
  return () => session.destroy();
}

async function start(env: NodeJS.ProcessEnv): Promise<[RigWorker, number]> {
  const worker = new RigWorker({ entry: fixture('lasting.cjs'), env });
  return [worker, await worker.port()];
}

describe('an application that listens to its stop signal', () => {
  for (const [what, open, left, stop] of [
    ['a WebSocket', upgraded, '1 upgraded connection', false],
    ['a stream of events', streaming, 'request GET /events in flight', false],
    ['a plain socket, when the app stops,', plain, '1 TCP connection', true],
  ] as const) {
    it(`is told when only ${what} is left, and takes leave of it`, async () => {
      const [worker, port] = await start({ LISTENS: '1', PROTOCOL: open === plain ? 'tcp' : 'http' });
      const client = await open(port);
      const from = performance.now();
      await worker.beginDrain(20_000, stop);
      const drained = await worker.input('worker-drained');
      assert.ok(performance.now() - from < 10_000, 'long before drainTimeout');
      assert.equal(drained.lasting, true);
      assert.ok(drained.left[0]?.startsWith(left), drained.left[0]);
      const { code } = await worker.terminate();
      assert.deepEqual([code, worker.stdout], [0, 'leave of 1\n']);
      await client.until('goodbye', ({ text }) => text.includes('goodbye'));
    });
  }

  it('is told when only streams of events over HTTP/2 are left', async () => {
    const [worker, port] = await start({ LISTENS: '1', PROTOCOL: 'h2c' });
    const end = await asking('h2c', port, '/events');
    await worker.beginDrain();
    assert.equal((await worker.input('worker-drained')).lasting, true);
    end();
  });

  for (const protocol of ['http', 'h2c']) {
    it(`is told of a stop after 5 s when only an answer of unknown length is left (${protocol})`, async () => {
      const [worker, port] = await start({ LISTENS: '1', PROTOCOL: protocol });
      const end = await asking(protocol, port, '/endless');
      const from = performance.now();
      await worker.beginDrain(20_000, true);
      assert.equal((await worker.input('worker-drained')).lasting, true);
      const took = performance.now() - from;
      assert.ok(took >= 4_900 && took < 15_000, `${took} ms`);
      end();
    });
  }

  it('is not told of a stop while an answer goes on whose length is known', async () => {
    const [worker, port] = await start({ LISTENS: '1' });
    await asking('http', port, '/download');
    await worker.beginDrain(7_000, true);
    const { left, lasting } = await worker.input('worker-drained');
    assert.equal(lasting, false);
    assert.match(left.join(), /^request GET \/download/);
  });

  it('is not told before a request beside it is answered', async () => {
    const [worker, port] = await start({ LISTENS: '1' });
    await upgraded(port);
    const busy = await connect(port);
    clients.push(busy);
    busy.get('/slow');
    await worker.requestsInFlight(1);
    await worker.beginDrain(20_000, true);
    await worker.input('worker-drained');
    assert.match(busy.text, /slow$/);
  });

  it('does not wait for a plain socket to be done when it is only replaced', async () => {
    const [worker, port] = await start({ LISTENS: '1', PROTOCOL: 'tcp' });
    await plain(port);
    await worker.beginDrain(1_500);
    const { left, lasting } = await worker.input('worker-drained');
    assert.deepEqual([left, lasting], [['1 TCP connection'], false]);
  });
});

describe('an application that does not listen', () => {
  it('goes on with a WebSocket until drainTimeout when it is replaced, which is no fault', async () => {
    const [worker, port] = await start({});
    await upgraded(port);
    const from = performance.now();
    await worker.beginDrain(2_000);
    const { left, lasting } = await worker.input('worker-drained');
    assert.ok(performance.now() - from >= 1_900);
    assert.deepEqual([left, lasting], [['1 upgraded connection'], true]);
  });

  it('ends after 5 s when the whole app stops, also if it learns that in the middle of a drain', async () => {
    const [worker, port] = await start({});
    await upgraded(port);
    const from = performance.now();
    await worker.beginDrain(20_000);
    worker.send({ cmd: 'NODE_TUTTI_DRAIN', timeoutMs: 20_000, stop: true });
    await worker.input('worker-drained');
    const took = performance.now() - from;
    assert.ok(took >= 4_900 && took < 15_000, `${took} ms`);
  });
});

it('a stop with open WebSockets runs the handler of each worker and ends with 0, in time for docker stop', async () => {
  await using rig = await startRig({ fixture: 'lasting.cjs', env: { LISTENS: '1' } });
  for (let i = 0; i < 4; i += 1) await upgraded(rig.port);
  const from = performance.now();
  assert.equal((await rig.end()).code, 0);
  assert.ok(performance.now() - from < 10_000);
  const leaves = rig.stdout.match(/leave of \d/g) ?? [];
  assert.equal(leaves.length, 2);
  assert.equal(
    leaves.map((line) => Number(line.slice(9))).reduce((sum, one) => sum + one),
    4,
  );
  for (const client of clients) await client.until('goodbye', ({ text }) => text.includes('goodbye'));
});

it('a reload with open WebSockets waits for no timeout and leaves no incident', async () => {
  await using rig = await startRig({ fixture: 'lasting.cjs', env: { LISTENS: '1' } });
  const old = rig.ready();
  for (let i = 0; i < 4; i += 1) await upgraded(rig.port);
  assert.equal((await rig.reload(20_000)).type, 'reload-done');
  await eventually('the old workers have left', () => rig.ready().every((pid) => !old.includes(pid)));
  const exits = rig.events.all('worker-exit').filter(({ pid }) => old.includes(pid as number));
  assert.deepEqual(
    exits.map(({ code, reason }) => [code, reason]),
    [
      [0, 'planned'],
      [0, 'planned'],
    ],
  );
  assert.deepEqual(rig.events.all('incident'), []);
});
