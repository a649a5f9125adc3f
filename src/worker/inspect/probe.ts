// Answers the primary's probe: a connection that reaches this worker's own HTTP(S) server. Runs in the worker; the primary sends it in
// src/host/look/probe.ts.
import { Socket } from 'node:net';
import type { RawHandle } from '../../protocol/raw-handle.ts';
import { disregard } from '../connections/connections.ts';
import type { HandOver } from '../guard.ts';
import { firstHttpServer } from '../listen/servers.ts';

/** The connection is in no statistics, holds up no drain, and is not in Node's own count of the server's connections. */
export function acceptProbe(handle: RawHandle): HandOver | undefined {
  const server = firstHttpServer();
  if (server === undefined) {
    handle.close();
    return undefined;
  }
  const socket = new Socket({
    handle,
    allowHalfOpen: true,
    readable: true,
    writable: true,
  } as unknown as ConstructorParameters<typeof Socket>[0]);
  disregard(socket);
  return () => server.emit('connection', socket);
}
