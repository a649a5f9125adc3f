// Every connection that the worker's servers accepted, and the HTTP/1 requests on it. Runs in the worker.
// Only accepted sockets are here: what the application opened itself (its database) is its own business.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { guarded, on, subscribe } from '../guard.ts';
import { type AnyServer, kindOf, transportOf, watchServers } from '../listen/servers.ts';
import { HandleEnds } from './handle-ends.ts';

export interface PendingRequest {
  request: IncomingMessage;
  /** As parsed: the application may have changed those of `request`. */
  method: string;
  url: string;
  response: ServerResponse;
  startedAt: number;
}

export interface Connection {
  /** The accepted socket: TCP or a unix socket, under TLS the raw one. */
  readonly socket: Socket;
  /** The handle of the accepted socket while it is in this process; null if it is not a handle of the system. */
  readonly handle: object | null;
  /** What the application's protocol reads from: the TLS socket, or the accepted one. */
  wire: Socket;
  server: AnyServer | null;
  /** How many parsed requests have no complete answer. The oldest is kept in fields, so that the usual case allocates nothing. */
  pending: number;
  request: IncomingMessage | null;
  /** Of the oldest pending request, as parsed; see PendingRequest. */
  method: string;
  url: string;
  response: ServerResponse | null;
  startedAt: number;
  more: PendingRequest[] | null;
  /** Of the last answered request. */
  answeredMethod: string;
  answeredUrl: string;
  /** The response to the last parsed request. */
  last: ServerResponse | null;
  requests: number;
  /** When the last answer was complete, as performance.now(). */
  idleSince: number;
  /** No further request on it can be answered: an answer said `Connection: close`, or we ended our side. */
  closing: boolean;
  /** The application keeps something of its own on it. Once seen, it stays so. */
  claimed: boolean;
  /** Taken over from a sibling between two requests, and no request has come here yet. */
  adopted: boolean;
  /** Which of its requests here was in another worker that died, counted from 1; 0: none. */
  replay: number;
}

const open = new Map<object, Connection>();
const connections = new Set<Connection>();
const sessions = new Set<ServerHttp2Session>();
const handles = new HandleEnds<Connection>(guarded('the count of connections', leave));
const unseen = new WeakSet<object>();
let newest: Connection | null = null;
const onLost: ((connection: Connection) => void)[] = [];
const onSession: ((session: ServerHttp2Session) => void)[] = [];

export function trackConnections(): void {
  const accepted = guarded('the count of connections', (message: unknown) => {
    const { socket } = message as { socket: Socket & { _handle?: object | null } };
    // The application's own listener ran first. It may have given the connection to a child process, to which it now belongs.
    if (socket._handle === null) return;
    track(socket, (socket as Socket & { server?: AnyServer }).server ?? null);
  });
  subscribe('net.server.socket', accepted);
  watchServers((server) => {
    const kind = kindOf(server);
    if (kind === 'https' || kind === 'http2s') on(server, 'secureConnection', joinTls);
    if (kind === 'http2' || kind === 'http2s') on(server, 'session', trackSession);
  });
}

/** Starts tracking a connection. Whoever brings one in that was not accepted (a transfer) calls this. */
export function track(socket: Socket, server: AnyServer | null): Connection {
  const known = open.get(socket);
  if (known !== undefined) return known;
  const connection: Connection = {
    socket,
    handle: (socket as Socket & { _handle?: object | null })._handle ?? null,
    wire: socket,
    server,
    pending: 0,
    request: null,
    method: '',
    url: '',
    response: null,
    startedAt: 0,
    more: null,
    answeredMethod: '',
    answeredUrl: '',
    last: null,
    requests: 0,
    idleSince: 0,
    closing: false,
    claimed: false,
    adopted: false,
    replay: 0,
  };
  newest = connection;
  // Under TLS the accepted socket may have closed before this point.
  if (socket.destroyed) return connection;
  open.set(socket, connection);
  connections.add(connection);
  const { handle } = connection;
  if (handle === null || !handles.add(handle, connection)) on(socket, 'close', closed);
  return connection;
}

/** The connection of an HTTP/1 request; null if it is not tracked (a probe). */
export function connectionOf(socket: Socket, server: AnyServer): Connection | null {
  const known = open.get(socket);
  if (known !== undefined) return known;
  const transport = transportOf(socket);
  if (unseen.has(transport)) return null;
  const connection = track(transport, server);
  join(connection, socket);
  return connection;
}

/** The connection is closed, or no longer this process's. Idempotent. */
export function leave(connection: Connection): void {
  if (!connections.delete(connection)) return;
  const { socket, wire, handle } = connection;
  open.delete(socket);
  if (wire !== socket) open.delete(wire);
  if (handle !== null) handles.delete(handle, connection);
  if (newest === connection) newest = null;
  for (const each of onLost) each(connection);
}

/** The socket is counted nowhere and does not hold up a drain. */
export function disregard(socket: Socket): void {
  unseen.add(socket);
}

/** The connection that came last. */
export function newestConnection(): Connection | null {
  return newest;
}

export function allConnections(): ReadonlySet<Connection> {
  return connections;
}

export function allSessions(): ReadonlySet<ServerHttp2Session> {
  // The application may have removed our listener.
  for (const session of sessions) if (session.destroyed) sessions.delete(session);
  return sessions;
}

/** `lost` is called for each connection that has closed, while its pending requests are still recorded. */
export function whenLost(lost: (connection: Connection) => void): void {
  onLost.push(lost);
}

export function whenSession(opened: (session: ServerHttp2Session) => void): void {
  onSession.push(opened);
}

const closed = guarded('the count of connections', function (this: Socket) {
  const connection = open.get(this);
  if (connection !== undefined) leave(connection);
});

function join(connection: Connection, wire: Socket): void {
  if (wire === connection.socket || !connections.has(connection)) return;
  connection.wire = wire;
  open.set(wire, connection);
}

const joinTls = guarded('the count of TLS connections', (wire: Socket) => {
  const transport = transportOf(wire);
  const connection = open.get(transport);
  if (connection !== undefined) join(connection, wire);
});

const trackSession = guarded('the count of HTTP/2 sessions', (session: ServerHttp2Session) => {
  // The application may have refused it. Then there is no socket, and no event will come.
  if (session.destroyed) return;
  const transport = (session.socket as (Socket & { _parent?: Socket }) | undefined)?._parent;
  if (transport !== undefined && unseen.has(transport)) return;
  sessions.add(session);
  on(session, 'close', forgetSession);
  for (const each of onSession) each(session);
});

const forgetSession = guarded('the count of HTTP/2 sessions', function (this: ServerHttp2Session) {
  sessions.delete(this);
});
