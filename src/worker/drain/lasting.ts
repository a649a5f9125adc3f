// What stays open for as long as its client likes: upgraded connections (WebSockets, CONNECT) and streams of events. Waiting for its end
// is waiting for nothing; only the application can take leave of it. Runs in the worker, only during a drain.
import type { ServerResponse } from 'node:http';
import { allConnections, allSessions, type Connection } from '../connections/connections.ts';
import { speaksHttp1 } from '../connections/idle.ts';
import { kindOf } from '../listen/servers.ts';
import { openStreams } from '../report/requests.ts';

/** Answers that do not end: Server-Sent Events, pictures that replace one another, gRPC streams. */
const LASTING_TYPE = /^(text\/event-stream|multipart\/x-mixed-replace|application\/grpc)/i;

/**
 * Whether nothing else is open. `foreign`: connections of protocols that only the application knows count too. `endless`: so does each
 * answer that is being given without having said how long it is.
 */
export function isAllLasting(foreign: boolean, endless: boolean): boolean {
  for (const connection of allConnections()) if (!isLasting(connection, foreign, endless)) return false;
  const busy = new Set<unknown>();
  for (const { stream, method } of openStreams()) {
    const head = stream.headersSent ? stream.sentHeaders : undefined;
    const isLong = LASTING_TYPE.test(String(head?.['content-type'])) || (endless && isOpenEnded(head));
    if (method !== 'CONNECT' && !isLong) return false;
    busy.add(stream.session);
  }
  // A session without a stream closes soon, and is waited for.
  for (const session of allSessions()) if (!busy.has(session)) return false;
  return true;
}

function isOpenEnded(head: object | undefined): boolean {
  return head !== undefined && !('content-length' in head);
}

function isLasting(connection: Connection, foreign: boolean, endless: boolean): boolean {
  const { pending, response, more, wire, server } = connection;
  if (pending > 0) return isStream(response, endless) && (more ?? []).every((each) => isStream(each.response, endless));
  const kind = server === null ? 'net' : kindOf(server);
  if (kind === 'net' || kind === 'tls') return foreign;
  if (speaksHttp1(wire)) return false;
  // HTTP/2: its streams tell.
  return isUpgraded(connection) || kind === 'http2' || kind === 'http2s';
}

/** Its HTTP server has let go of it. Under TLS it may also be one that has not begun to speak. */
export function isUpgraded({ wire, socket, server }: Connection): boolean {
  if (server === null || speaksHttp1(wire)) return false;
  const kind = kindOf(server);
  return kind === 'http' || (kind === 'https' && wire !== socket);
}

function isStream(response: ServerResponse | null, endless: boolean): boolean {
  // As it was sent: what is given to writeHead() alone is nowhere else.
  const head = (response as { _header?: string | null } | null)?._header;
  if (typeof head !== 'string') return false;
  return (
    LASTING_TYPE.test(/^content-type: *(.*)$/im.exec(head)?.[1] ?? '') || (endless && !/^content-length:/im.test(head))
  );
}
