// Tells an HTTP/2 client to leave (RFC 9113, 6.8). Runs in the worker, only during a drain.
import { writeSync } from 'node:fs';
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { cancel, guarded, later, soon } from '../guard.ts';

/** A TCP or pipe handle of Node's. */
interface Wire {
  fd?: number;
  /** Bytes that the kernel has not taken yet. */
  writeQueueSize: number;
}

/** GOAWAY, no error, last stream 2³¹−1: "open no more streams; those already sent will be served". */
const NOTICE = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
/** For the notice and the answer to it. */
const PATIENCE_MS = 1000;
const AGAIN_MS = 20;
const WHAT = 'leaving an HTTP/2 client';

/**
 * session.close() alone refuses streams that crossed its GOAWAY. So a notice goes first, and the close follows when a PING has come back: by
 * then everything has arrived that the client sent before it saw the notice. Under TLS the notice cannot be written; clients then repeat
 * what was refused (REFUSED_STREAM says that it was not executed).
 */
export function sayGoodbye(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  const wire = session.encrypted === false ? (session.socket as Socket & { _handle?: Wire | null })._handle : null;
  if (wire?.fd === undefined || wire.fd < 0) {
    session.close();
    return;
  }
  let again: NodeJS.Timeout | null = null;
  const close = guarded(WHAT, () => {
    cancel(timer);
    if (again !== null) cancel(again);
    if (!session.destroyed) session.close();
  });
  const timer = later(PATIENCE_MS, close);
  const tell = guarded(WHAT, () => {
    if (session.closed || session.destroyed) return;
    if (hasWritten(wire)) session.ping(close);
    else again = later(AGAIN_MS, tell);
  });
  // A session that has just begun writes its settings first.
  soon(tell);
}

/**
 * Frames are written whole and in order, so while nothing waits to be written, the notice lands between two frames of the session. It does
 * not go through the socket: if the kernel does not take the write at once, its completion reaches the session, which does not know it and
 * aborts the process.
 */
function hasWritten({ fd = -1, writeQueueSize }: Wire): boolean {
  if (writeQueueSize > 0) return false;
  try {
    return writeSync(fd, NOTICE) === NOTICE.length;
  } catch {
    // The kernel has no room for it.
    return false;
  }
}
