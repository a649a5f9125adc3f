// The servers of the application, in the order in which they first called listen(). Runs in the worker.
import { subscribe } from 'node:diagnostics_channel';
import type { Server, Socket } from 'node:net';

/** What the members of Node's server classes that matter here look like; the classes themselves are loaded by the application alone. */
export interface AnyServer extends Server {
  keepAliveTimeout?: number;
  closeIdleConnections?: () => void;
  setTicketKeys?: unknown;
  requestTimeout?: number;
}

export type ServerKind = 'http' | 'https' | 'http2' | 'http2s' | 'tls' | 'net';

const servers = new Set<AnyServer>();
const watchers: ((server: AnyServer) => void)[] = [];

/** `watcher` sees each server before its first socket is bound. */
export function watchServers(watcher: (server: AnyServer) => void): void {
  if (watchers.length === 0) {
    subscribe('tracing:net.server.listen:asyncStart', (message) => {
      const { server } = message as { server: AnyServer };
      if (servers.has(server)) return;
      servers.add(server);
      for (const each of watchers) each(server);
    });
  }
  watchers.push(watcher);
}

export function allServers(): Iterable<AnyServer> {
  return servers;
}

/** By shape, not by class: instanceof would load http, https and http2 into applications that use none of them. */
export function kindOf(server: AnyServer): ServerKind {
  const secure = server.setTicketKeys !== undefined;
  if (/^Http2(Secure)?Server$/.test(server.constructor.name)) return secure ? 'http2s' : 'http2';
  if (typeof server.closeIdleConnections === 'function') return secure ? 'https' : 'http';
  return secure ? 'tls' : 'net';
}

/** The scheme under which the server answers HTTP/1.1, if it does. */
export function schemeOf(server: AnyServer): 'http' | 'https' | undefined {
  const kind = kindOf(server);
  if (kind === 'http' || kind === 'https') return kind;
  // Node gives a secure HTTP/2 server the timeouts of HTTP/1 when it allows that too.
  if (kind === 'http2s' && allowsHttp1(server)) return 'https';
  return undefined;
}

function allowsHttp1(server: AnyServer): boolean {
  return typeof server.requestTimeout === 'number';
}

/** The first server, in order of listen(), that can answer an HTTP/1.1 request. */
export function firstHttpServer(): AnyServer | undefined {
  for (const server of servers) if (server.listening && schemeOf(server) !== undefined) return server;
  return undefined;
}

/** A TLS socket's transport, or the socket itself. */
export function transportOf(socket: Socket): Socket {
  return (socket as Socket & { _parent?: Socket | null })._parent ?? socket;
}
