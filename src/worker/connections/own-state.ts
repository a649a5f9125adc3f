// Finds what the application keeps on a connection itself: then the connection is more than Node's to it (an authentication that
// belongs to the connection, say), and another worker would not know. Runs in the worker. Without a list of Node's own
// properties: a socket at its first request, which the application has not seen yet, has them.

import type { Socket } from 'node:net';
import type { Connection } from './connections.ts';

/** What Node adds later. Something new of Node's would only make connections stay. */
const LATER = new Set<string | undefined>([
  ...['_httpMessage', 'timeout', '_peername', '_sockname'],
  ...['kSetNoDelay', 'kSetKeepAlive', 'kSetKeepAliveInitialDelay', 'kSetKeepAliveInterval', 'kSetKeepAliveCount'],
]);

let bare: { keys: Set<string | symbol>; listeners: Map<string | symbol, number> } | null = null;

export function isBareKnown(): boolean {
  return bare !== null;
}

/** `socket`: of plain HTTP/1, at its first request, before the application has it. */
export function learnBare(socket: Socket): void {
  const listeners = socket.eventNames().map((name) => [name, socket.listenerCount(name)] as const);
  bare = { keys: new Set(Reflect.ownKeys(socket)), listeners: new Map(listeners) };
}

/**
 * True: the application has put a property or a listener on the connection since its first request here. What it keeps elsewhere, in a
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
  // Until it is complete, an answer of Node's own listens too.
  if (socket._httpMessage) return false;
  return socket.eventNames().some((name) => socket.listenerCount(name) > (listeners.get(name) ?? 0));
}
