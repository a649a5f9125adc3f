// Connections that stay open for as long as their client likes: upgraded ones (WebSockets, CONNECT) and event streams. It is pointless to
// wait for their end; only the application can end them well. Runs in the worker, only during a drain.
import type { ServerResponse } from 'node:http';
import { allConnections, allSessions, type Connection } from '../connections/connections.ts';
import { speaksHttp1 } from '../connections/idle.ts';
import { kindOf } from '../listen/servers.ts';
import { openStreams } from '../report/requests.ts';

/** Answers that do not end: Server-Sent Events, motion JPEG and the like, gRPC streams. */
const LASTING_TYPE = /^(text\/event-stream|multipart\/x-mixed-replace|application\/grpc)/i;

/**
 * Whether nothing else is open. `foreign`: connections of protocols that only the application knows count as lasting too. `endless`: so
 * does an answer of unknown length.
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
  // A session without a stream closes soon and is worth waiting for.
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
  // For HTTP/2 its streams decide.
  return isUpgraded(connection) || kind === 'http2' || kind === 'http2s';
}

/** Whether its HTTP server has released it. Under TLS it may also be one that has not begun to speak. */
export function isUpgraded({ wire, socket, server }: Connection): boolean {
  if (server === null || speaksHttp1(wire)) return false;
  const kind = kindOf(server);
  return kind === 'http' || (kind === 'https' && wire !== socket);
}

function isStream(response: ServerResponse | null, endless: boolean): boolean {
  // The head as it was sent: headers that were given to writeHead() alone are nowhere else.
  const head = (response as { _header?: string | null } | null)?._header;
  if (typeof head !== 'string') return false;
  return (
    LASTING_TYPE.test(/^content-type: *(.*)$/im.exec(head)?.[1] ?? '') || (endless && !/^content-length:/im.test(head))
  );
}
