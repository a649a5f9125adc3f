// One request a second kills the worker that serves it: what the other clients of two workers are answered meanwhile, and what they lose.
// 60 clients ask for short pages on connections that are idle most of the time, 10 for pages that take 200 ms.

import { Client } from './client.ts';

const shortClients = 60;
const slowClients = 10;
const thinkMs = 20;
const patienceMs = 8_000;

export interface Toll {
  /** Answers to short and slow requests. */
  served: number;
  /** Short requests without an answer: their connections were idle when the worker died. */
  reset: number;
  /** Slow requests without an answer: they were being served. */
  lost: number;
}

export async function crashEverySecond(port: number, seconds: number): Promise<Toll> {
  const toll: Toll = { served: 0, reset: 0, lost: 0 };
  const end = performance.now() + seconds * 1000;
  const ask = async (path: string, thinkMs: number, unanswered: 'reset' | 'lost'): Promise<void> => {
    let client = new Client(port);
    while (performance.now() < end) {
      if (client.closing || client.socket.destroyed) {
        client.close();
        client = new Client(port);
      }
      if (await answered(client, path)) toll.served++;
      else toll[unanswered]++;
      if (thinkMs > 0) await delay(Math.random() * thinkMs);
    }
    client.close();
  };
  const clients = [
    ...Array.from({ length: shortClients }, () => ask('/', thinkMs, 'reset')),
    ...Array.from({ length: slowClients }, () => ask('/slow', 0, 'lost')),
  ];
  for (let second = 1; second < seconds; second++) {
    await delay(1000);
    const killer = new Client(port);
    await answered(killer, '/crash');
    killer.close();
  }
  await Promise.all(clients);
  return toll;
}

/** False where the connection ends first, and where nothing comes for long. */
async function answered(client: Client, path: string): Promise<boolean> {
  const impatience = setTimeout(() => client.close(), patienceMs);
  const body = await client.get(path);
  clearTimeout(impatience);
  return body !== null;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
