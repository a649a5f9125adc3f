// What the primary is told of a listener: its address, and the scheme for requests to it. Runs in the worker.

import type { ListenRequest, ToWorker } from '../../protocol/messages.ts';
import type { Bound, PrivateServer } from './listen-hook.ts';
import { schemeOf } from './listener-scheme.ts';
import type { AnyServer } from './servers.ts';

type ListenReply = Extract<ToWorker, { cmd: 'NODE_TUTTI_LISTEN_REPLY' }>;

export interface ListenerInfo {
  protocol: 'tcp' | 'udp' | 'unix';
  address?: string;
  port?: number;
  path?: string;
  scheme?: 'http' | 'https';
  /** As it is when it is asked for: programs set it after listen(). */
  readonly keepAliveMs?: number | undefined;
}

/** Reports of the application's listen() calls; readiness.ts turns them into messages. */
export interface ListenReport {
  listenPending(): void;
  /** Ends what `listenPending` began, with the listener, or with null if there is none (yet). */
  listenSettled(key: object, listener: ListenerInfo | null): void;
  /** The application closed the listener itself. */
  closed(key: object): void;
}

export function listenerInfo(
  server: PrivateServer,
  request: Omit<ListenRequest, 'index'>,
  reply: ListenReply,
): ListenerInfo {
  const place: ListenerInfo =
    request.addressType === -1
      ? { protocol: 'unix', path: request.address ?? '' }
      : { protocol: reply.name === null ? 'unix' : 'tcp', ...addressOf(reply) };
  // Where clients find it, which the application does not see.
  if (reply.slotPort !== undefined) place.port = reply.slotPort;
  const scheme = schemeOf(server);
  return scheme === undefined
    ? place
    : {
        ...place,
        scheme,
        get keepAliveMs() {
          return keepAliveOf(server);
        },
      };
}

function keepAliveOf({ keepAliveTimeout: ms }: AnyServer): number | undefined {
  return typeof ms === 'number' && ms >= 0 && Number.isFinite(ms) ? ms : undefined;
}

/** What Node is to name in its errors, and to remember, where that is not what the application asked for. */
export function boundOf({ fd }: Omit<ListenRequest, 'index'>, reply: ListenReply): Bound {
  const { address, addressType, errno, slotPort } = reply;
  return {
    address: fd === null ? address : null,
    addressType,
    ...(errno !== 0 && slotPort !== undefined && { port: slotPort }),
  };
}

export function addressOf(reply: ListenReply): { address?: string; port?: number } {
  const { address, port } = reply.name ?? {};
  return { ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port }) };
}
