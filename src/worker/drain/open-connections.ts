// Says in words what keeps a drain from ending. Runs in the worker.
import { allConnections, allSessions, type Connection } from '../connections/connections.ts';
import { speaksHttp1 } from '../connections/idle.ts';
import { kindOf } from '../listen/servers.ts';
import { requestsInFlight } from '../report/requests.ts';
import { isUpgraded } from './lasting.ts';

const MOST = 20;

export function describeOpen(): string[] {
  const requests = requestsInFlight().map(
    ({ method, path, ageMs }) => `request ${method} ${path} in flight for ${(ageMs / 1000).toFixed(1)} s`,
  );
  const others = new Map<string, number>();
  for (const connection of allConnections()) {
    const what = describe(connection);
    if (what !== null) others.set(what, (others.get(what) ?? 0) + 1);
  }
  const quiet = [...allSessions()].length;
  if (quiet > 0) others.set('HTTP/2 session', quiet);
  const lines = requests.length > MOST ? requests.slice(0, MOST - 1) : requests;
  if (requests.length > lines.length) lines.push(`${requests.length - lines.length} more requests in flight`);
  for (const [what, count] of others) {
    lines.push(count === 1 ? `1 ${what}` : `${count} ${what.replace(/connection|session/, '$&s')}`);
  }
  return lines;
}

/** Null: the connection's requests or its session are described instead. */
function describe(connection: Connection): string | null {
  const kind = connection.server === null ? 'net' : kindOf(connection.server);
  if (connection.pending > 0) return null;
  if (kind === 'net' || kind === 'tls') return kind === 'tls' ? 'TLS connection' : 'TCP connection';
  if (kind === 'http2' || kind === 'http2s') return speaksHttp1(connection.wire) ? 'idle HTTP connection' : null;
  if (!speaksHttp1(connection.wire)) return isUpgraded(connection) ? 'upgraded connection' : 'TLS connection';
  if (connection.requests === 0) {
    return connection.wire.bytesRead > 0 ? 'connection with an unfinished request' : 'connection without a request';
  }
  return 'idle HTTP connection';
}
