// Clients that measure one thing each: who answered, how evenly, how late.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export async function waitUntil(done: () => Promise<boolean>, deadlineMs: number, what: string): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** One connection that can ask several times. Bodies are short, so one read is one answer as soon as it is complete. */
export class Client {
  readonly socket: Socket;
  #buffer = '';
  #waiting: ((body: string | null) => void) | null = null;
  /** The server said that it will close this connection: its next answer is to be asked for on another one. */
  closing = false;

  /** `from`: an address of the loopback range, because some servers place a client by its address. */
  constructor(port: number, from = '127.0.0.1') {
    this.socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => this.#onData(chunk));
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#answer(null));
  }

  /** The body, or null if the connection ended first. */
  get(path = '/', keepAlive = true): Promise<string | null> {
    if (this.socket.destroyed) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.socket.write(
        `GET ${path} HTTP/1.1\r\nHost: bench\r\nConnection: ${keepAlive ? 'keep-alive' : 'close'}\r\n\r\n`,
      );
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #onData(chunk: string): void {
    this.#buffer += chunk;
    const head = this.#buffer.indexOf('\r\n\r\n');
    if (head < 0) return;
    if (/connection: close/i.test(this.#buffer.slice(0, head))) this.closing = true;
    const length = /content-length: (\d+)/i.exec(this.#buffer.slice(0, head));
    if (length) {
      const end = head + 4 + Number(length[1]);
      if (this.#buffer.length < end) return;
      const body = this.#buffer.slice(head + 4, end);
      this.#buffer = this.#buffer.slice(end);
      this.#answer(body);
    }
  }

  #answer(body: string | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(body);
  }
}

/** The loopback range is large: the i-th client's own address. */
function address(i: number): string {
  return `127.0.${(i / 250) & 255}.${1 + (i % 250)}`;
}

export async function ask(port: number, path = '/', from = '127.0.0.1'): Promise<string | null> {
  const client = new Client(port, from);
  const body = await client.get(path, false);
  client.close();
  return body;
}

/** How many different processes answer `count` connections that are open at the same time, each from its own address. */
export async function distinctPids(port: number, count: number): Promise<number> {
  const clients = Array.from({ length: count }, (_, i) => new Client(port, address(i)));
  const answers = await Promise.all(clients.map((client) => client.get()));
  for (const client of clients) client.close();
  return new Set(answers.filter((answer) => answer !== null)).size;
}

/** Opens keep-alive connections, all at once or one after the other's first answer; says max ÷ mean over `workers`. */
export async function spread(
  port: number,
  connections: number,
  workers: number,
  how: 'burst' | 'one by one',
): Promise<number> {
  const clients: Client[] = [];
  const owners: (string | null)[] = [];
  if (how === 'burst') {
    for (let i = 0; i < connections; i++) clients.push(new Client(port, address(i)));
    await Promise.all(clients.map((client) => once(client.socket, 'connect')));
    owners.push(...(await Promise.all(clients.map((client) => client.get()))));
  } else {
    for (let i = 0; i < connections; i++) {
      const client = new Client(port, address(i));
      clients.push(client);
      owners.push(await client.get());
    }
  }
  for (const client of clients) client.close();
  const counts = new Map<string | null, number>();
  for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return Math.max(...counts.values()) / (connections / workers);
}

/** Blocks one worker for 1.5 s, then opens 200 connections: how many had to wait longer than 300 ms. */
export async function delayedByBlockedWorker(port: number): Promise<number> {
  await ask(port, '/block');
  await new Promise((resolve) => setTimeout(resolve, 60));
  const times = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const since = performance.now();
      await ask(port, '/', address(i));
      return performance.now() - since;
    }),
  );
  return times.filter((time) => time > 300).length;
}

/** Opens `perSecond` connections a second, evenly, each for one request. */
export async function pacedConnections(port: number, perSecond: number, seconds: number): Promise<number> {
  const total = perSecond * seconds;
  const since = performance.now();
  const pending = new Set<Promise<unknown>>();
  let answered = 0;
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - since) / 1000) * perSecond));
    for (; sent < due; sent++) {
      const one: Promise<unknown> = ask(port).then((body) => {
        if (body !== null) answered++;
        pending.delete(one);
      });
      pending.add(one);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  return answered;
}
