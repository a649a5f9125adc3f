// The servers of the application, in the order in which they first called listen(). Runs in the worker.
import type { Server, Socket } from 'node:net';
import { attempt, guarded, subscribe } from '../guard.ts';

/** The members of Node's server classes that matter here. Only the application loads the classes themselves. */
export interface AnyServer extends Server {
  keepAliveTimeout?: number;
  closeIdleConnections?: () => void;
  setTicketKeys?: unknown;
  requestTimeout?: number;
  /** How long a socket may be inactive, in ms; 0: for ever. */
  timeout?: number;
}

export type ServerKind = 'http' | 'https' | 'http2' | 'http2s' | 'tls' | 'net';

const servers = new Set<AnyServer>();
const watchers: ((server: AnyServer) => void)[] = [];

/** `watcher` sees each server before its first socket is bound. */
export function watchServers(watcher: (server: AnyServer) => void): void {
  if (watchers.length === 0) {
    const listens = guarded('watching a server', (message: unknown) => {
      const { server } = message as { server: AnyServer };
      if (servers.has(server)) return;
      servers.add(server);
      for (const each of watchers) attempt('watching a server', () => each(server), undefined);
    });
    subscribe('tracing:net.server.listen:asyncStart', listens);
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

/** The first server, in order of listen(), that speaks HTTP of any version. */
export function firstHttpServer(): AnyServer | undefined {
  for (const server of servers) if (server.listening && kindOf(server).startsWith('http')) return server;
  return undefined;
}

/** A TLS socket's transport, or the socket itself. */
export function transportOf(socket: Socket): Socket {
  return (socket as Socket & { _parent?: Socket | null })._parent ?? socket;
}
