// The fallback for a version of Node that tutti does not know: node:cluster itself shares the sockets, by round-robin. The worker only
// reports what listens, and takes its servers out of the distribution when it drains. Runs in the worker.

import type { AddressInfo } from 'node:net';
import { guarded, once, subscribe } from '../guard.ts';
import { type PrivateServer, stayWhileAsking } from './listen-hook.ts';
import type { ListenerInfo, ListenReport } from './listener-info.ts';
import { schemeOf } from './listener-scheme.ts';

export function watchForeignListen(report: ListenReport): { stopAccepting(): void } {
  stayWhileAsking();
  const servers = new Set<PrivateServer>();
  const what = 'telling what listens';
  const began = guarded(what, () => report.listenPending());
  const failed = guarded(what, (message: unknown) => report.listenSettled(message as object, null));
  const ended = guarded(what, (message: unknown) => {
    const { server } = message as { server: PrivateServer };
    servers.add(server);
    const closed = guarded(what, () => {
      servers.delete(server);
      report.closed(server);
    });
    once(server, 'close', closed);
    report.listenSettled(server, infoOf(server));
  });
  subscribe('tracing:net.server.listen:asyncStart', began);
  subscribe('tracing:net.server.listen:error', failed);
  subscribe('tracing:net.server.listen:asyncEnd', ended);
  return {
    stopAccepting() {
      // The server goes on "listening". A second close() of node:cluster's handle does nothing.
      for (const server of servers) (server._handle as { close?(): void } | null)?.close?.();
    },
  };
}

export function infoOf(server: PrivateServer): ListenerInfo {
  const address = server.address() as AddressInfo | string | null;
  const scheme = schemeOf(server);
  const place: ListenerInfo =
    address === null || typeof address === 'string'
      ? { protocol: 'unix', path: address ?? '' }
      : { protocol: 'tcp', address: address.address, port: address.port };
  return scheme === undefined ? place : { ...place, scheme };
}
