// Makes an HTTP/1 answer the last one of its connection. Runs in the worker, only during a drain.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connection } from '../connections/connections.ts';
import { attempt } from '../guard.ts';
import type { AnyServer } from '../listen/servers.ts';

type WriteHead = (this: ServerResponse, ...args: unknown[]) => ServerResponse;

/**
 * Adds `Connection: close` when the head is written, unless a later request has been parsed on the connection by then: its answer would be
 * dropped. An answer whose head is already sent stays as it is.
 */
export function announceClose(connection: Connection, response: ServerResponse): void {
  if (response.headersSent) return;
  const own = Object.getOwnPropertyDescriptor(response, 'writeHead');
  const inner = response.writeHead as WriteHead;
  response.writeHead = function writeHead(this: ServerResponse, ...args: unknown[]): ServerResponse {
    if (own === undefined) delete (this as { writeHead?: unknown }).writeHead;
    else Object.defineProperty(this, 'writeHead', own);
    const isLast = connection.last === this && args[0] !== 101;
    if (isLast) {
      this.shouldKeepAlive = false;
      attempt('ending keep-alive', () => dropKeepAlive(this, args), undefined);
    }
    const result = inner.apply(this, args);
    if (isLast) connection.closing = true;
    return result;
  } as ServerResponse['writeHead'];
}

/** An application that sets `Connection: keep-alive` itself would override shouldKeepAlive. */
function dropKeepAlive(response: ServerResponse, args: unknown[]): void {
  if (response.hasHeader('connection')) response.setHeader('connection', 'close');
  const at = args.length - 1;
  const headers = args[at];
  if (at === 0 || typeof headers !== 'object' || headers === null) return;
  if (!Array.isArray(headers)) {
    args[at] = Object.fromEntries(Object.entries(headers).filter(([name]) => !isConnection(name)));
  } else if (Array.isArray(headers[0])) {
    args[at] = headers.filter((pair) => !isConnection((pair as unknown[])[0]));
  } else {
    args[at] = headers.filter((_, i) => !isConnection(headers[i - (i % 2)]));
  }
}

function isConnection(name: unknown): boolean {
  return String(name).toLowerCase() === 'connection';
}

/**
 * Keeps a request from the application. It came after the last answer of its connection was announced, so nobody would get its answer, and
 * what is not answered must not be executed. Called between Node's parsing and its 'request' event.
 */
export function refuse(server: AnyServer, request: IncomingMessage): void {
  const own = Object.getOwnPropertyDescriptor(server, 'emit');
  const inner = server.emit;
  const restore = (): void => {
    if (own === undefined) delete (server as { emit?: unknown }).emit;
    else Object.defineProperty(server, 'emit', own);
  };
  // For exactly one emit, which Node calls before anything else can happen.
  server.emit = function emit(this: AnyServer, ...args: unknown[]): boolean {
    restore();
    return args[1] === request ? true : Reflect.apply(inner, this, args);
  } as AnyServer['emit'];
}
