// What a worker says of itself once a second: that it is true.

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Heartbeat } from '../../src/protocol/messages.ts';
import { eventually } from '../support/eventually.ts';
import { connect, type RawClient } from '../support/raw-client.ts';
import { endWorkers, fixture, RigWorker } from '../support/worker-rig.ts';

const clients: RawClient[] = [];
async function open(port: number): Promise<RawClient> {
  const client = await connect(port);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await endWorkers();
});

async function beat(worker: RigWorker, what: string, holds: (beat: Heartbeat) => boolean): Promise<Heartbeat> {
  return eventually(what, () => worker.beats.find((each) => holds(each as Heartbeat)) as Heartbeat | undefined);
}

describe('the heartbeat', () => {
  it('counts answers by class, aborted ones, and how long they took', async () => {
    const worker = new RigWorker({ entry: fixture('statuses.cjs') });
    const port = await worker.port();
    const client = await open(port);
    for (const [i, status] of [200, 204, 302, 404, 500, 200].entries()) {
      client.get(`/${status}?secret=1`);
      await client.until('an answer', ({ text }) => text.split('HTTP/1.1').length === i + 2);
    }
    const quitter = await open(port);
    quitter.get('/never');
    await beat(worker, 'a request in flight', ({ activeRequests }) => activeRequests === 1);
    quitter.destroy();
    const last = await beat(worker, 'all of it', ({ extra }) => extra?.status[0] === 1);
    assert.equal(last.requestsTotal, 7);
    assert.equal(last.activeRequests, 0);
    assert.equal(last.connections, 1);
    assert.deepEqual(last.extra?.status, [1, 0, 3, 1, 1, 1]);
    const { counts, le } = last.extra?.latencyBuckets ?? { counts: [], le: [] };
    assert.equal(counts.length, le.length + 1);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      6,
    );
    assert.ok((last.extra?.latencySumMs ?? 0) > 0);
    assert.ok(last.rssBytes > 10e6 && last.heapUsedBytes > 1e6 && last.cpuUserMicros > 0);
    assert.equal(last.inspected, false);
  });

  it('measures how long the loop was blocked', async () => {
    const worker = new RigWorker({ entry: fixture('blocks-loop.cjs'), boot: { heartbeatMs: 200 } });
    const client = await open(await worker.port());
    client.get('/block?ms=400');
    const seen = await beat(worker, 'a late loop', ({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms > 250);
    assert.ok(seen.eventLoopUtilization > 0.5, String(seen.eventLoopUtilization));
    const from = worker.beats.length;
    client.get('/');
    await eventually('a quiet loop', () =>
      worker.beats.slice(from).some((each) => each.eventLoopDelayP99Ms < 100 && each.eventLoopUtilization < 0.5),
    );
  });

  it('does not take a rest for a delay', async () => {
    const worker = new RigWorker({ entry: fixture('blocks-loop.cjs'), boot: { heartbeatMs: 150 } });
    const client = await open(await worker.port());
    const serve = async (): Promise<number[]> => {
      const from = worker.beats.length;
      while (worker.beats.length < from + 4) {
        const { answers } = client;
        client.get('/');
        await client.until('an answer', (seen) => seen.answers > answers);
      }
      return worker.beats.slice(from).map(({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms);
    };
    await serve();
    const restedFrom = performance.now();
    const quiet = () => worker.inputs.filter(({ type }) => type === 'worker-alive').length;
    await eventually('12 quiet heartbeats', () => quiet() >= 12);
    const restedMs = performance.now() - restedFrom;
    const delays = await serve();
    assert.ok(Math.max(...delays) < restedMs / 2, `${delays} ms after a rest of ${restedMs}`);
  });

  it('sees a block that begins right after a heartbeat, and one that ends a rest', async () => {
    const worker = new RigWorker({ entry: fixture('blocks-loop.cjs'), boot: { heartbeatMs: 300 } });
    const client = await open(await worker.port());
    const next = async (path: string): Promise<Heartbeat> => {
      const from = worker.beats.length;
      client.get(path);
      return eventually(`a heartbeat after ${path}`, () => worker.beats[from] as Heartbeat | undefined);
    };
    await eventually('a quiet heartbeat', () => worker.has('worker-alive'));
    const rested = await next('/block?ms=1000');
    assert.ok(rested.eventLoopDelayP99Ms > 400, `${rested.eventLoopDelayP99Ms} ms`);
    await next('/');
    const atOnce = await next('/block?ms=800');
    assert.ok(atOnce.eventLoopDelayP99Ms > 400, `${atOnce.eventLoopDelayP99Ms} ms`);
  });

  it('counts the CPU of its threads, though its loop is idle', async () => {
    const worker = new RigWorker({ entry: fixture('blocks-loop.cjs'), boot: { heartbeatMs: 200 } });
    const client = await open(await worker.port());
    await beat(worker, 'a first heartbeat', () => true);
    await eventually('a quiet heartbeat', () => worker.has('worker-alive'));
    client.get('/thread');
    const from = worker.beats.length;
    const busy = () =>
      worker.beats.slice(from).filter((each) => each.cpuPercent > 10 && each.eventLoopUtilization < 0.3);
    await eventually('heartbeats that go on telling it', () => busy().length >= 3);
  });

  it('tells that an inspector is open', async () => {
    const worker = new RigWorker({ entry: fixture('hello.cjs'), nodeArgs: ['--inspect=127.0.0.1:0'] });
    await beat(worker, 'an open inspector', ({ inspected }) => inspected);
  });

  it('lists the requests in flight to whoever looks into the process, without their queries', async () => {
    const worker = new RigWorker({ entry: fixture('in-flight.cjs') });
    const port = await worker.port();
    const slow = await open(port);
    slow.get('/slow?secret=1');
    slow.get('/behind?secret=2');
    await worker.requestsInFlight(2);
    const asking = await open(port);
    asking.get('/list');
    await asking.until('the list', ({ text }) => text.includes(']'));
    const list = JSON.parse(asking.text.slice(asking.text.indexOf('['))) as {
      method: string;
      path: string;
      ageMs: number;
    }[];
    assert.deepEqual(
      list.map(({ method, path }) => `${method} ${path}`),
      ['GET /slow', 'GET /behind', 'GET /list'],
    );
    assert.ok((list[0]?.ageMs ?? 0) >= (list[2]?.ageMs ?? 1e9));
  });
});
