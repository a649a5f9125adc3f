// Kept-alive connections that two workers share about evenly, until the client closes all those of one: then the other gives some of its
// own away. The app is test/fixtures/hello.cjs, with balance least-connections.

import { eventually } from './eventually.ts';
import { connect, type RawClient } from './raw-client.ts';

const HELLO = 'hello from ';

export class Uneven implements Disposable {
  /** How many requests were sent on each. */
  readonly #asked: Map<RawClient, number>;

  private constructor(clients: readonly RawClient[]) {
    this.#asked = new Map(clients.map((client) => [client, 0]));
  }

  static async connect(port: number, count = 16): Promise<Uneven> {
    const uneven = new Uneven(await Promise.all(Array.from({ length: count }, () => connect(port))));
    await eventually('two workers have about half of them each', async () => {
      uneven.ask();
      await eventually('answers', () => uneven.waiting === 0);
      return Math.abs(uneven.#ofFirst().length - count / 2) < 2;
    });
    return uneven;
  }

  /** How many wait for an answer. */
  get waiting(): number {
    return [...this.#asked].filter(([client, count]) => client.answers < count).length;
  }

  /** Sends a request on each that waits for none. */
  ask(): void {
    for (const [client, count] of this.#asked) {
      if (client.answers < count) continue;
      this.#asked.set(client, count + 1);
      client.get('/');
    }
  }

  /** Closes those of one worker. */
  tilt(): void {
    for (const client of this.#ofFirst()) {
      this.#asked.delete(client);
      client.destroy();
    }
  }

  [Symbol.dispose](): void {
    for (const client of this.#asked.keys()) client.destroy();
  }

  #ofFirst(): RawClient[] {
    const clients = [...this.#asked.keys()];
    return clients.filter((client) => pidOf(client) === pidOf(clients[0] as RawClient));
  }
}

function pidOf({ text }: RawClient): string {
  return text.slice(text.lastIndexOf(HELLO) + HELLO.length).trim();
}
