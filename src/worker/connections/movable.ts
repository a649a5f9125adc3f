// Which open connections may change their worker: plain HTTP/1 between two requests, on which the application keeps nothing of its own. Runs
// in the worker.

import type http from 'node:http';
import type { Socket } from 'node:net';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import { type AnyServer, kindOf } from '../listen/servers.ts';
import { process } from '../own-process.ts';
import { canResume } from './between-requests.ts';
import type { Connection } from './connections.ts';
import { socketsBetweenRequests, speaksHttp1 } from './idle.ts';
import { hasOwnState } from './own-state.ts';

export interface PrivateSocket extends Socket {
  _handle: RawConnection | null;
  _httpMessage?: unknown;
  /** Set by node:http while it does not read, because answers pile up. */
  _paused?: boolean;
}

let nodesOwn: unknown;

/**
 * Whether only Node's HTTP/1 parser gets the server's connections. A listener of the application (a parser of the PROXY protocol, say) has
 * seen the beginning of each connection and would miss it in another worker.
 */
export function isPlainHttp(server: AnyServer): boolean {
  if (kindOf(server) !== 'http') return false;
  const listeners = server.listeners('connection');
  if (listeners.length !== 1) return false;
  if (nodesOwn === undefined) {
    // The application has such a server, so it has loaded node:http.
    const { Server } = process.getBuiltinModule('node:http') as typeof http;
    nodesOwn = new Server().listeners('connection')[0];
  }
  return listeners[0] === nodesOwn;
}

/** Whether it has been plain HTTP/1 from its first byte on. */
export function isPlain({ wire, socket, server }: Connection): boolean {
  return wire === socket && server !== null && isPlainHttp(server);
}

/** Whether it may become movable: nothing rules that out for good. */
export function mayMove(connection: Connection): boolean {
  const { socket, closing } = connection;
  return !closing && !socket.destroyed && isPlain(connection) && canGoOn(connection) && !hasOwnState(connection);
}

/** Whether a request has come on it, here or in another worker. */
export function isUsed({ requests, adopted }: Connection): boolean {
  return requests > 0 || adopted;
}

/** Whether the next worker can put it into the state between two requests, if it is in that state. */
function canGoOn(connection: Connection): boolean {
  return !isUsed(connection) || canResume();
}

/** Those of `connections` that can be moved in this turn of the loop, unless the application keeps something on them. */
export function movableNow(connections: Iterable<Connection>): Connection[] {
  const quiet: Connection[] = [];
  const plain = new Map<AnyServer, boolean>();
  for (const connection of connections) {
    if (!isQuiet(connection) || connection.server === null) continue;
    let isPlain = plain.get(connection.server);
    if (isPlain === undefined) {
      isPlain = isPlainHttp(connection.server);
      plain.set(connection.server, isPlain);
    }
    if (isPlain && canGoOn(connection)) quiet.push(connection);
  }
  if (quiet.length === 0) return quiet;
  const between = socketsBetweenRequests(quiet);
  // Before its first byte Node counts a connection as busy, although nothing of it is here yet.
  return quiet.filter(({ socket }) => socket.bytesRead === 0 || (speaksHttp1(socket) && between.has(socket)));
}

function isQuiet(connection: Connection): boolean {
  return connection.pending === 0 && !(connection.socket as PrivateSocket)._httpMessage && isStill(connection);
}

/** Whether no byte of it is in this process. A request may wait for its answer. */
export function isStill({ closing, wire, socket }: Connection): boolean {
  const { _handle, _paused } = socket as PrivateSocket;
  return (
    !closing &&
    wire === socket &&
    !socket.destroyed &&
    socket.readable &&
    socket.writable &&
    socket.readableLength === 0 &&
    socket.writableLength === 0 &&
    !_paused &&
    isRawConnection(_handle)
  );
}

/** A TCP or pipe handle, which the IPC channel can carry. */
function isRawConnection(handle: RawConnection | null | undefined): handle is RawConnection {
  const name = handle?.constructor.name;
  return name === 'TCP' || name === 'Pipe';
}
