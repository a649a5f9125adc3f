// A connection that changed its worker between two requests is, for the new one, between two requests: it waits as long as
// keepAliveTimeout says, whatever the limits for heads and requests are, and these begin with its next request.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { DataPlaneRig } from '../../support/data-plane-rig.ts';
import { eventually, within } from '../../support/eventually.ts';
import { type Answer, fetch } from '../../support/fetch.ts';
import { fixture, startSupervised } from '../../support/supervised.ts';

/** keepAliveTimeout/headersTimeout/requestTimeout in s; 0: none. Node adds a second to the first. */
const LIMITS = [
  ...['5/60/300', '58/60/300', '59/60/300', '61/62/300', '65/66/300', '72/60/300', '120/121/300', '72/60/0'],
  ...['0/60/300', '0/0/0', '72/0/0', '72/60/60', '72/20/30', '30/0/10'],
];
const IN_MS = LIMITS.map((limits) => limits.split('/').map((seconds) => Number(seconds) * 1000)).map((all) =>
  all.join('/'),
);
const CLIENTS = 4;

interface Client {
  port: number;
  agent: Agent;
  localPort: number | null;
  /** performance.now() before its last request was sent. */
  askedAt: number;
}

/** Keep-alive clients of each of the servers, which notice when their connection is not the one that they began with. */
class Clients {
  readonly #clients: Client[];

  constructor(ports: number[]) {
    this.#clients = ports.flatMap((port) =>
      Array.from({ length: CLIENTS }, () => ({
        port,
        agent: new Agent({ keepAlive: true, maxSockets: 1 }),
        localPort: null,
        askedAt: 0,
      })),
    );
  }

  /** What did not go well in one request of each, and the workers that answered. */
  async ask(): Promise<{ troubles: string[]; pids: number[] }> {
    const troubles: string[] = [];
    const pids: number[] = [];
    const limits = new Set<unknown>();
    await Promise.all(
      this.#clients.map(async (client) => {
        const answer = await this.#ask(client).catch((error: Error) => error);
        if (answer instanceof Error) {
          troubles.push(`port ${client.port}: ${answer.message}`);
          return;
        }
        limits.add(answer.headers['x-limits']);
        pids.push(answer.pid);
      }),
    );
    if (troubles.length === 0) assert.deepEqual([...limits].sort(), [...new Set(IN_MS)].sort());
    return { troubles, pids };
  }

  close(): void {
    for (const { agent } of this.#clients) agent.destroy();
  }

  async #ask(client: Client): Promise<Answer> {
    const restedMs = performance.now() - client.askedAt;
    client.askedAt = performance.now();
    const answer = await fetch({ port: client.port, agent: client.agent, timeoutMs: 10_000 });
    const [socket] = await eventually('the connection is kept', () => Object.values(client.agent.freeSockets)[0]);
    const port = (socket as Socket).localPort ?? null;
    const before = client.localPort;
    client.localPort = port;
    const keepAliveMs = Number(String(answer.headers['x-limits']).split('/')[0]);
    // On a slow machine a step can last longer than the server waits.
    const isOver = keepAliveMs > 0 && restedMs >= keepAliveMs;
    if (before !== null && before !== port && !isOver)
      throw new Error(`${answer.headers['x-limits']}: it is another connection`);
    return answer;
  }
}

for (const balance of ['least-connections', 'ip-hash', 'kernel', 'round-robin'] as const) {
  test(`${balance}: no connection hangs or closes that a reload, a recycle or scaling moved, whatever the limits`, async (t) => {
    const { app } = await startSupervised(t, {
      ...{ entry: fixture('keep-alive-limits.cjs'), balance, drainTimeout: 20_000, env: { LIMITS: IN_MS.join(' ') } },
    });
    const ports = app.snapshot().listeners.flatMap(({ port }) => (port === undefined ? [] : [port]));
    assert.equal(ports.length, LIMITS.length);
    const clients = new Clients(ports);
    t.after(() => clients.close());
    const steps = {
      begin: async () => {},
      reload: () => app.reload(),
      'scale up': () => app.scale(3),
      'scale down': () => app.scale(1),
      'scale up again': () => app.scale(2),
      recycle: () => app.recycle(),
    };
    for (const [name, step] of Object.entries(steps)) {
      const before = new Set(app.snapshot().workers.map(({ pid }) => pid));
      await within<unknown>(name, step(), 60_000);
      const { troubles, pids } = await clients.ask();
      assert.deepEqual(troubles, [], name);
      if (name === 'reload' || name === 'recycle') {
        assert.ok(
          pids.every((pid) => !before.has(pid)),
          `${name}: others answer on the same connections`,
        );
      }
    }
  });
}

interface Moved {
  port: number;
  /** It has had an answer from a worker that is gone, and is open. */
  socket: Socket;
  text(): string;
}

/** Connections that have just changed their worker, to a server with these limits. */
async function moved(
  count: number,
  limits: string,
  play: (connections: Moved[], port: number) => Promise<void>,
): Promise<void> {
  await using rig = new DataPlaneRig('kernel');
  const options = { fixture: 'keep-alive-limits.cjs', env: { LIMITS: limits } };
  const old = await rig.start(options);
  const port = old.listeners?.[0]?.port;
  assert.ok(port !== undefined);
  const connections: Moved[] = [];
  for (let i = 0; i < count; i += 1) {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await eventually('an answer', () => text.endsWith('ok'));
    connections.push({ port, socket, text: () => text.slice(text.indexOf('ok') + 2) });
  }
  await rig.start(options);
  rig.drain(old);
  await eventually('it is drained', () => old.drained);
  assert.equal(rig.plane.transfers(), count);
  await rig.kill(old);
  await play(connections, port);
  for (const { socket } of connections) socket.destroy();
}

test('a moved connection is not taken for one that keeps its server waiting, but one that does is ended in time', async () => {
  await moved(3, '30000/1000/1500', async (connections, port) => {
    const [idle, half, slow] = connections;
    assert.ok(idle && half && slow);
    // Under plain node each of these ends with 408: nothing at all, half a head, half a body.
    const never = connect(port, '127.0.0.1').resume();
    const begun = performance.now();
    half.socket.write('GET / HTTP/1.1\r\nhost: x\r\nx-more: ');
    slow.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
    await within(
      'all end',
      Promise.all([never, half.socket, slow.socket].map((socket) => once(socket, 'close'))),
      15_000,
    );
    assert.ok(performance.now() - begun >= 1500, 'not before their time');
    assert.match(half.text(), /^HTTP\/1.1 408/);
    assert.match(slow.text(), /^HTTP\/1.1 408/);
    idle.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await eventually('the idle one is answered', () => /^HTTP\/1.1 200/.test(idle.text()));
  });
});
