// Promise: where a worker could not listen is known in node's words, and a program that looks for a port is known by the ports it asked for.

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { BindFailures } from '../../../src/host/process/bind-failures.ts';
import type { ToPrimary, ToWorker } from '../../../src/protocol/messages.ts';

const { EADDRINUSE, EACCES, EADDRNOTAVAIL } = constants.errno;

interface Asked {
  address?: string | null;
  port?: number;
  addressType?: 4 | -1;
}

/** A worker that asks in turn, with what it is answered. */
class Asking {
  readonly failures = new BindFailures();
  #seq = 0;

  ask({ address = null, port = 3000, addressType = 4 }: Asked): number {
    this.#seq += 1;
    const message = { cmd: 'NODE_TUTTI_LISTEN', seq: this.#seq, address, port, addressType };
    this.failures.asked(message as unknown as ToPrimary);
    return this.#seq;
  }

  answer(seq: number, errno: number, more: { own?: boolean; bound?: number } = {}): void {
    const { own, bound } = more;
    const name = bound === undefined ? null : { port: bound };
    this.failures.answered({ cmd: 'NODE_TUTTI_LISTEN_REPLY', seq, errno, name, own } as unknown as ToWorker);
  }

  listen(asked: Asked, errno: number, more?: { own?: boolean; bound?: number }): void {
    this.answer(this.ask(asked), errno, more);
  }
}

test('the last failure is told as node would tell it', () => {
  for (const [asked, errno, expected] of [
    [{ port: 80 }, EACCES, 'listen EACCES: permission denied :::80'],
    [{ address: '10.9.9.9' }, EADDRNOTAVAIL, 'listen EADDRNOTAVAIL: not possible 10.9.9.9:3000'],
    [{ address: '127.0.0.1' }, EADDRINUSE, 'listen EADDRINUSE: address already in use 127.0.0.1:3000'],
    [
      { address: '/run/web.sock', addressType: -1 },
      EADDRINUSE,
      'listen EADDRINUSE: address already in use /run/web.sock',
    ],
  ] as const) {
    const worker = new Asking();
    worker.listen(asked, -errno);
    assert.equal(worker.failures.last, expected);
  }
});

test('a worker that listens elsewhere did not end for the failure', () => {
  const worker = new Asking();
  assert.equal(worker.failures.last, null);
  worker.listen({ port: 3000 }, -EADDRINUSE);
  worker.listen({ port: 3001 }, 0, { bound: 3001 });
  assert.equal(worker.failures.last, null);
  worker.listen({ port: 3002 }, -EADDRINUSE);
  assert.match(worker.failures.last ?? '', /:::3002$/);
});

test('answers that come in another order belong to their own questions', () => {
  const worker = new Asking();
  const first = worker.ask({ port: 1 });
  const second = worker.ask({ port: 2 });
  worker.answer(second, 0, { bound: 2 });
  worker.answer(first, -EADDRINUSE);
  assert.match(worker.failures.last ?? '', /:::1$/);
});

test('an answer that nobody asked for, and other messages, are no failure', () => {
  const worker = new Asking();
  worker.answer(99, -EADDRINUSE);
  assert.equal(worker.failures.last, null);
  worker.listen({ port: 1 }, -EADDRINUSE);
  worker.failures.answered({ cmd: 'NODE_TUTTI_PING', id: 1 } as unknown as ToWorker);
  worker.failures.asked({ cmd: 'NODE_TUTTI_PONG', id: 1 });
  assert.match(worker.failures.last ?? '', /:::1$/);
});

test('ports that a sibling has are those that it looked for; another program’s are not', () => {
  const worker = new Asking();
  worker.listen({ port: 3000 }, -EADDRINUSE, { own: true });
  worker.listen({ port: 3000 }, -EADDRINUSE, { own: true });
  worker.listen({ port: 3001 }, -EADDRINUSE, { own: false });
  worker.listen({ port: 3002 }, 0, { bound: 3002 });
  assert.deepEqual(worker.failures.search, { missed: [3000], chosen: [] });
});

test('a port that the system chose is known, and one that was named is none of those', () => {
  const worker = new Asking();
  worker.listen({ port: 0 }, 0, { bound: 40_001 });
  worker.listen({ port: 4000 }, 0, { bound: 4000 });
  worker.listen({ port: 0 }, -EACCES);
  assert.deepEqual(worker.failures.search, { missed: [], chosen: [40_001] });
});

test('a program that tries all ports costs a bounded memory', () => {
  const worker = new Asking();
  for (let port = 1; port <= 1000; port++) {
    worker.listen({ port }, -EADDRINUSE, { own: true });
    worker.listen({ port: 0 }, 0, { bound: 10_000 + port });
  }
  const { missed, chosen } = worker.failures.search;
  assert.equal(missed.length, 100);
  assert.equal(chosen.length, 100);
  assert.equal(missed[0], 1, 'the first are those that clients know');
});
