// Clients of Socket.IO over HTTP long-polling, each with an address and connections of its own.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { io, type Socket } from 'socket.io-client';
import { eventually, within } from './eventually.ts';

interface Client {
  socket: Socket;
  agent: Agent;
  disconnects: number;
}

export class SocketIoClients implements Disposable {
  readonly #clients: readonly Client[];

  constructor(port: number) {
    this.#clients = Array.from({ length: 12 }, (_, i) => open(port, `127.0.0.${i * 17 + 3}`));
  }

  /** Each meets the same worker in every round, together they meet several, and none is disconnected. */
  async keepTheirWorkers(rounds: number): Promise<void> {
    const homes = new Map<Client, string>();
    for (let round = 0; round < rounds; round += 1) {
      const saying = this.#clients.map(async (client) => ({ client, answer: await say(client, `round ${round}`) }));
      for (const { client, answer } of await within('all are heard', Promise.all(saying))) {
        const [pid = '', rest] = answer.split(' heard ');
        assert.equal(rest, `round ${round}`);
        assert.equal(pid, homes.get(client) ?? pid, 'it meets the same worker');
        homes.set(client, pid);
      }
    }
    assert.deepEqual(
      this.#clients.map(({ disconnects }) => disconnects),
      this.#clients.map(() => 0),
    );
    assert.ok(new Set(homes.values()).size >= 3, 'the clients meet different workers');
  }

  /** After a reload: their sessions ended with the old workers; the library opens new ones by itself. */
  async areHeardAgain(): Promise<void> {
    for (const client of this.#clients) {
      assert.match(await eventually('it is heard again', () => say(client, 'again')), /heard again/);
    }
  }

  [Symbol.dispose](): void {
    for (const { socket, agent } of this.#clients) {
      socket.disconnect();
      agent.destroy();
    }
  }
}

/** `address`: that of the client. */
function open(port: number, address: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, localAddress: address });
  const options = { transports: ['polling'], agent, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };
  const socket = io(`http://127.0.0.1:${port}`, options as unknown as Parameters<typeof io>[1]);
  const client: Client = { socket, agent, disconnects: 0 };
  socket.on('disconnect', () => {
    client.disconnects += 1;
  });
  return client;
}

async function say({ socket }: Client, text: string): Promise<string> {
  return await socket.timeout(3000).emitWithAck('say', text);
}
