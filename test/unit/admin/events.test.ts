import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { EventHistory, type RecordedEvent } from '../../../src/admin/api/event-history.ts';
import type { LiveSample } from '../../../src/admin/api/target.ts';
import { ask, openAdmin } from './open-admin.ts';

const notice = (message: string) => ({ type: 'notice', level: 'info', message }) as const;

describe('event history', () => {
  it('forgets the oldest beyond its bounds and says how many a client missed', () => {
    const history = new EventHistory([], { maxEvents: 3, maxBytes: 10_000, now: () => new Date(0) });
    history.add(notice('1'));
    const first = history.since(null).events[0]?.id ?? '';
    for (const text of ['2', '3', '4', '5', '6']) history.add(notice(text));
    const { events, missed } = history.since(first);
    assert.deepEqual(
      events.map((one) => 'message' in one.event && one.event.message),
      ['4', '5', '6'],
    );
    assert.equal(missed, 2);
    assert.deepEqual(history.since(events.at(-1)?.id ?? '').events, []);
  });

  it('is bounded in bytes too', () => {
    const history = new EventHistory([], { maxEvents: 1000, maxBytes: 5000, now: () => new Date(0) });
    for (let i = 0; i < 100; i += 1) history.add(notice('x'.repeat(1000)));
    assert.ok(history.since(null).events.length <= 5);
  });

  it('sends everything to a client that comes from another life of the app', () => {
    const history = new EventHistory();
    history.add(notice('1'));
    for (const id of ['deadbeef.7', 'nonsense', '1', '', '.', 'a.b.c'])
      assert.equal(history.since(id).events.length, 1, id);
  });

  it('goes on from the history of the supervisor before', () => {
    const before = new EventHistory();
    for (const text of ['1', '2', '3']) before.add(notice(text));
    const past = before.since(null).events;
    const history = new EventHistory(past);
    history.add(notice('4'));
    const told = (id: string | null) =>
      history.since(id).events.map(({ event }) => 'message' in event && event.message);
    assert.deepEqual(told(null), ['1', '2', '3', '4']);
    assert.deepEqual(told(past[1]?.id ?? ''), ['3', '4']);
    const own = history.since(null).events.at(-1)?.id ?? '';
    assert.deepEqual(history.since(own), { events: [], missed: 0 });
    const few = new EventHistory(past, { maxEvents: 2, maxBytes: 10_000, now: () => new Date(0) });
    few.add(notice('4'));
    assert.equal(few.since(null).events.length, 2);
  });
});

describe('event stream', () => {
  it('sends what is known, then what happens, and ends with the supervisor', async (test) => {
    const { client, target, server } = await openAdmin(test);
    target.tell(notice('before'));
    const seen: RecordedEvent[] = [];
    const events = await client.events({ history: true, signal: new AbortController().signal });
    target.tell(notice('after\nwith a line break'));
    for await (const event of events) {
      seen.push(event);
      if (seen.length === 2) void server.close();
    }
    assert.deepEqual(
      seen.map(({ event }) => 'message' in event && event.message),
      ['before', 'after\nwith a line break'],
    );
  });

  it('continues after Last-Event-ID', async (test) => {
    const { paths, target, client, server } = await openAdmin(test);
    for (const text of ['1', '2', '3']) target.tell(notice(text));
    const [first] = await client.recentEvents();
    const reply = ask(paths.socket, 'GET', '/v1/events', { headers: { 'last-event-id': first?.id ?? '' } });
    // The stream is open once a third party can see its effect: the server closes it at its end.
    await client.snapshot();
    await server.close();
    const ids = [...(await reply).text.matchAll(/^id: (.*)$/gm)].map((match) => match[1]);
    assert.equal(ids.length, 2);
    assert.ok(!ids.includes(first?.id));
  });

  it('drops a client that never reads, at a bound', async (test) => {
    const { paths, target, client } = await openAdmin(test);
    const deaf = connect(paths.socket);
    deaf.on('error', () => {});
    deaf.pause();
    await new Promise<void>((resolve) => {
      deaf.write('GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n', () => resolve());
    });
    await client.snapshot();
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    for (let i = 0; i < 3000; i += 1) {
      target.tell(notice('x'.repeat(10_000)));
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
    assert.ok(grown < 25_000_000, `${grown} bytes`);
    assert.equal((await client.snapshot()).name, 'app');
    const closed = new Promise((resolve) => deaf.once('close', resolve));
    deaf.resume();
    await closed;
  });

  it('takes no more than 32 listeners and still answers commands', async (test) => {
    const { client } = await openAdmin(test);
    const leave = new AbortController();
    const open = () => client.events({ history: false, signal: leave.signal });
    await Promise.all(Array.from({ length: 32 }, open));
    await assert.rejects(open(), { kind: 'refused' });
    assert.equal((await client.snapshot()).name, 'app');
    leave.abort();
  });

  it('closes clients beyond its bound and serves the others', async (test) => {
    const { paths, client } = await openAdmin(test);
    const replies = await Promise.all(Array.from({ length: 60 }, () => client.snapshot()));
    assert.equal(replies.length, 60);
    const idle = Array.from({ length: 80 }, () => connect(paths.socket).on('error', () => {}));
    let closed = 0;
    await new Promise<void>((resolve) => {
      for (const socket of idle) {
        socket.resume().on('close', () => {
          closed += 1;
          if (closed >= 16) resolve();
        });
      }
    });
    for (const socket of idle) socket.destroy();
  });
});

describe('live stream', () => {
  it('begins with a picture, then tells events and whatever samples another room makes', async (test) => {
    const listeners = new Set<(sample: LiveSample) => void>();
    const samples = (listener: (sample: LiveSample) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const { client, target } = await openAdmin(test, { extras: { samples } });
    const leave = new AbortController();
    const live = await client.live(leave.signal);
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const message of live) {
        seen.push('snapshot' in message ? `sample ${JSON.stringify(message.second)}` : `event ${message.event.type}`);
        if (seen.length === 1) target.tell(notice('x'));
        if (seen.length === 2)
          for (const tell of listeners)
            tell({ snapshot: target.snapshot(), second: { p50Ms: 3 }, hour: null, slots: {} });
        if (seen.length === 3) leave.abort();
      }
      throw new Error('ended');
    });
    assert.deepEqual(seen, ['sample null', 'event notice', 'sample {"p50Ms":3}']);
    while (listeners.size > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
