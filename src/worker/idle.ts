// Which HTTP connections have nothing under way, not even half a request header. Runs in the worker, only during a drain.
import { Socket } from 'node:net';
import type { Connection } from './connections.ts';
import { type AnyServer, kindOf } from './servers.ts';

/**
 * Node knows: closeIdleConnections() picks exactly them. So it is asked to, with a destroy() that only takes notes.
 * Answers the sockets that are idle between two requests.
 */
export function socketsBetweenRequests(connections: readonly Connection[]): Set<Socket> {
  const servers = new Set<AnyServer>();
  for (const { server } of connections) if (server !== null) servers.add(server);
  const idle = new Set<Socket>();
  const own = Object.getOwnPropertyDescriptor(Socket.prototype, 'destroy');
  const note = function (this: Socket): Socket {
    idle.add(this);
    return this;
  };
  Object.defineProperty(Socket.prototype, 'destroy', { value: note, configurable: true, writable: true });
  try {
    for (const server of servers) server.closeIdleConnections?.();
  } finally {
    if (own === undefined) Reflect.deleteProperty(Socket.prototype, 'destroy');
    else Object.defineProperty(Socket.prototype, 'destroy', own);
  }
  return idle;
}

/** `between` comes from socketsBetweenRequests(). Upgraded and plain sockets are never idle: nobody but the application knows. */
export function isIdle(connection: Connection, between: ReadonlySet<Socket>): boolean {
  const { wire, pending, server } = connection;
  if (pending > 0 || wire.writableLength > 0 || server === null) return false;
  // Before the first byte Node counts a connection as busy, so that its timeout for headers runs. Under TLS it has no parser yet.
  if (wire.bytesRead === 0) return kindOf(server).startsWith('http');
  return speaksHttp1(wire) && between.has(wire);
}

/** Node's HTTP/1 server hangs its parser on the socket, and takes it off at an upgrade. */
export function speaksHttp1(socket: Socket): boolean {
  return Boolean((socket as Socket & { parser?: unknown }).parser);
}
