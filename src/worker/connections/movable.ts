// Which open connections may change their worker: plain HTTP/1 between two requests, with nothing of the application hanging on the
// connection. Runs in the worker.

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
  /** Set by node:http while it reads no further because answers pile up. */
  _paused?: boolean;
}

let nodesOwn: unknown;

/**
 * The server hands connections to nobody but Node's HTTP/1 parser. A listener of the application's own (a parser of the PROXY
 * protocol, say) has seen the beginning of each connection and would miss it in another worker.
 */
export function isPlainHttp(server: AnyServer): boolean {
  if (kindOf(server) !== 'http') return false;
  const listeners = server.listeners('connection');
  if (listeners.length !== 1) return false;
  if (nodesOwn === undefined) {
    // The application has loaded it: it has such a server.
    const { Server } = process.getBuiltinModule('node:http') as typeof http;
    nodesOwn = new Server().listeners('connection')[0];
  }
  return listeners[0] === nodesOwn;
}

/** Plain HTTP/1, from its first byte on. */
export function isPlain({ wire, socket, server }: Connection): boolean {
  return wire === socket && server !== null && isPlainHttp(server);
}

/** It may become movable: nothing about it forbids that for good. */
export function mayMove(connection: Connection): boolean {
  const { socket, closing } = connection;
  return !closing && !socket.destroyed && isPlain(connection) && canGoOn(connection) && !hasOwnState(connection);
}

/** It has been used: somebody has had a request on it. */
export function isUsed({ requests, adopted }: Connection): boolean {
  return requests > 0 || adopted;
}

/** Whoever gets it can put it back between two requests, if that is where it is. */
function canGoOn(connection: Connection): boolean {
  return !isUsed(connection) || canResume();
}

/** Those of `connections` that can be moved in this very turn of the loop, unless the application keeps something on them. */
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
  // Before its first byte Node counts a connection as busy, but there is nothing of it here yet.
  return quiet.filter(({ socket }) => socket.bytesRead === 0 || (speaksHttp1(socket) && between.has(socket)));
}

function isQuiet(connection: Connection): boolean {
  return connection.pending === 0 && !(connection.socket as PrivateSocket)._httpMessage && isStill(connection);
}

/** No byte of it is in this process, but perhaps a request that waits for its answer. */
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
