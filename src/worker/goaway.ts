// Takes leave of an HTTP/2 client (RFC 9113, 6.8). Runs in the worker, only during a drain.
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { allConnections } from './connections.ts';
import { cancel, guarded, later } from './guard.ts';

/** GOAWAY, no error, last stream 2³¹−1: "open no more streams; those on their way will be served". */
const NOTICE = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
const ROUND_TRIP_MS = 1000;

/**
 * session.close() alone refuses the streams that crossed its GOAWAY on the way. So a notice goes first, and the close follows when
 * a PING has come back: then everything that the client sent before it knew has arrived. Under TLS Node offers no way to write
 * the notice; clients repeat what was refused (REFUSED_STREAM says that it was not executed).
 */
export function sayGoodbye(session: ServerHttp2Session): void {
  const socket = session.encrypted === false ? socketOf(session) : null;
  if (session.closed || session.destroyed) return;
  if (socket === null) {
    session.close();
    return;
  }
  const close = guarded('leaving an HTTP/2 client', () => {
    cancel(timer);
    if (!session.destroyed) session.close();
  });
  const timer = later(ROUND_TRIP_MS, close);
  // Frames are written whole and in order, so this one lands between two of the session's own.
  socket.write(NOTICE);
  session.ping(close);
}

/** session.socket is a proxy that forbids writing; the accepted socket with the same handle is the one behind it. */
function socketOf(session: ServerHttp2Session): Socket | null {
  const handle = handleOf(session.socket as Socket);
  if (handle == null) return null;
  for (const { socket } of allConnections()) if (handleOf(socket) === handle) return socket;
  return null;
}

function handleOf(socket: Socket | undefined): unknown {
  return (socket as (Socket & { _handle?: unknown }) | undefined)?._handle;
}
