// Which HTTP connections have nothing in flight, not even half a request header. Runs in the worker, in a drain and before a transfer.
import { Socket } from 'node:net';
import { type AnyServer, kindOf } from '../listen/servers.ts';
import type { Connection } from './connections.ts';

interface Parser {
  socket?: (Socket & { _httpMessage?: { finished: boolean } | null }) | null;
}

/** Node's own list of the parsers of an HTTP/1 server, one for each connection. */
interface Parsers {
  /** The parsers that wait for a request. */
  idle(): Parser[];
  /** The parsers whose timeouts for headers and requests are running. */
  active(): Parser[];
}

/** The sockets that are idle between two requests. Node knows them, because closeIdleConnections() has to find them. */
export function socketsBetweenRequests(connections: readonly Connection[]): Set<Socket> {
  const servers = new Set<AnyServer>();
  for (const { server } of connections) if (server !== null) servers.add(server);
  const idle = new Set<Socket>();
  for (const server of servers) if (!addIdleParsers(server, idle)) addClosable(server, idle);
  return idle;
}

/** The sockets from which only whole messages have been read. None if this Node keeps no list. */
export function socketsBetweenMessages(connections: readonly Connection[]): Set<Socket> {
  const whole = new Set<Socket>();
  for (const server of new Set(connections.map(({ server }) => server))) {
    const parsers = server === null ? null : parsersOf(server)?.idle();
    if (!Array.isArray(parsers)) continue;
    for (const { socket } of parsers) if (socket) whole.add(socket);
  }
  return whole;
}

/** Null if this Node keeps no such list. */
export function parsersOf(server: AnyServer): Parsers | null {
  const symbol = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connections',
  );
  const list = symbol && (server as unknown as Record<symbol, Parsers | undefined>)[symbol];
  return typeof list?.idle === 'function' ? list : null;
}

/** Reads the list that closeIdleConnections() reads. False if this Node keeps no such list. */
function addIdleParsers(server: AnyServer, idle: Set<Socket>): boolean {
  const parsers = parsersOf(server)?.idle();
  if (!Array.isArray(parsers) || parsers.some(({ socket }) => socket === undefined)) return false;
  for (const { socket } of parsers)
    if (socket && (!socket._httpMessage || socket._httpMessage.finished)) idle.add(socket);
  return true;
}

/**
 * Asks closeIdleConnections() itself, with a destroy() that only takes notes. That deoptimizes the code of all sockets, so it is done only
 * where the list cannot be read.
 */
function addClosable(server: AnyServer, idle: Set<Socket>): void {
  const own = Object.getOwnPropertyDescriptor(Socket.prototype, 'destroy');
  const note = function (this: Socket): Socket {
    idle.add(this);
    return this;
  };
  Object.defineProperty(Socket.prototype, 'destroy', { value: note, configurable: true, writable: true });
  try {
    server.closeIdleConnections?.();
  } finally {
    if (own === undefined) Reflect.deleteProperty(Socket.prototype, 'destroy');
    else Object.defineProperty(Socket.prototype, 'destroy', own);
  }
}

/** `between` comes from socketsBetweenRequests(). Upgraded and plain sockets never count as idle: only the application could tell. */
export function isIdle(connection: Connection, between: ReadonlySet<Socket>): boolean {
  const { wire, pending, server } = connection;
  if (pending > 0 || wire.writableLength > 0 || server === null) return false;
  // Before the first byte Node counts a connection as busy, so that its timeout for headers runs. Under TLS it has no parser yet.
  if (wire.bytesRead === 0) return kindOf(server).startsWith('http');
  return speaksHttp1(wire) && between.has(wire);
}

/** Node's HTTP/1 server attaches its parser to the socket, and detaches it at an upgrade. */
export function speaksHttp1(socket: Socket): boolean {
  return Boolean((socket as Socket & { parser?: unknown }).parser);
}
