// Finds out whether the application keeps something on a connection itself, for example an authentication that belongs to the connection.
// Another worker would not know it. No list of Node's own properties is needed: a socket at its first request, before the application has
// seen it, has exactly these. Runs in the worker.

import type { Socket } from 'node:net';
import type { Connection } from './connections.ts';

/** Properties that Node adds later. If a new Node adds more, connections only stay where they are. */
const LATER = new Set<string | undefined>([
  ...['_httpMessage', 'timeout', '_peername', '_sockname'],
  ...['kSetNoDelay', 'kSetKeepAlive', 'kSetKeepAliveInitialDelay', 'kSetKeepAliveInterval', 'kSetKeepAliveCount'],
]);

let bare: { keys: Set<string | symbol>; listeners: Map<string | symbol, number> } | null = null;

export function isBareKnown(): boolean {
  return bare !== null;
}

/** `socket`: of plain HTTP/1, at its first request, before the application gets it. */
export function learnBare(socket: Socket): void {
  const listeners = socket.eventNames().map((name) => [name, socket.listenerCount(name)] as const);
  bare = { keys: new Set(Reflect.ownKeys(socket)), listeners: new Map(listeners) };
}

/**
 * Whether the application has put a property or a listener on the connection since its first request here. What it keeps elsewhere, in a
 * WeakMap or by the client's port, cannot be seen. Costs a few microseconds.
 */
export function hasOwnState(connection: Connection): boolean {
  if (connection.requests === 0 || bare === null) return false;
  connection.claimed ||= addsTo(connection.socket, bare);
  return connection.claimed;
}

function addsTo(socket: Socket & { _httpMessage?: unknown }, { keys, listeners }: NonNullable<typeof bare>): boolean {
  for (const key of Reflect.ownKeys(socket)) {
    if (!keys.has(key) && !LATER.has(typeof key === 'symbol' ? key.description : key)) return true;
  }
  // Until an answer is complete, Node itself listens too.
  if (socket._httpMessage) return false;
  return socket.eventNames().some((name) => socket.listenerCount(name) > (listeners.get(name) ?? 0));
}
