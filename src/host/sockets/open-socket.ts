// What is known of one listening socket of the app, and what follows from it (primary).

import type { ListenRequest, ToWorker } from '../../protocol/messages.ts';
import type { HandedSocket } from '../../protocol/takeover.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';
import type { DataPlaneWorker } from '../connections/data-plane-worker.ts';
import type { Acceptors } from './acceptors.ts';
import { ANY_IPV4, ANY_IPV6, type BoundSocket } from './bind-socket.ts';
import type { PlacedRequest } from './slot-ports.ts';

type Reply = Extract<ToWorker, { cmd: 'NODE_TUTTI_LISTEN_REPLY' }>;
type PortState = Extract<ToWorker, { cmd: 'NODE_TUTTI_PORT' }>['state'];

export interface OpenSocket {
  key: string;
  request: PlacedRequest;
  bound: BoundSocket;
  dispatched: boolean;
  data: unknown;
  /** Workers that have it. Empty: held for the next one. */
  holders: Set<DataPlaneWorker>;
  /** Null: whoever has it accepts (or reads) from it. */
  acceptors: Acceptors | null;
  /** Its workers know that all of them drain. */
  alone: boolean;
  /** The generation of the worker that died and had it last: its successor will want it. */
  lostBy: number | null;
  /** Runs while nobody has it because the application closed it. */
  closing: NodeJS.Timeout | null;
}

/** Some worker has it that does not drain. */
export function isWanted({ holders }: OpenSocket): boolean {
  for (const worker of holders) if (!worker.isDraining()) return true;
  return false;
}

/** Somebody outside has it as well, and it cannot be had again: what clients send to it is not lost when it is let go here. */
export function isFromOutside({ request, bound }: OpenSocket): boolean {
  return request.fd !== null || bound.kept === true;
}

export function tellHolders(socket: OpenSocket, workers: Iterable<DataPlaneWorker>, state: PortState): void {
  const take = !isFromOutside(socket);
  for (const worker of workers) worker.send({ cmd: 'NODE_TUTTI_PORT', key: socket.key, state, take });
}

/** Nobody has it, and the request can only be bound without it. */
export function standsInTheWay({ request: { address }, bound, holders }: OpenSocket, request: ListenRequest): boolean {
  const samePort = request.port !== null && request.port > 0 && bound.name?.port === request.port;
  return holders.size === 0 && (samePort || (request.addressType === -1 && address === request.address));
}

/**
 * Another server of the app, or another slot, has the port that belongs to this slot. The kernel tells that only to the second who listens, not
 * to the second who binds.
 */
export function meets({ request: other, bound, holders }: OpenSocket, request: PlacedRequest): boolean {
  if (request.slot === undefined || !request.port || holders.size === 0 || bound.kind !== 'tcp') return false;
  const isSamePlace = other.address === request.address || isAnywhere(other) || isAnywhere(request);
  return isSamePlace && bound.name?.port === request.port;
}

function isAnywhere({ address }: PlacedRequest): boolean {
  return address === null || address === ANY_IPV4 || address === ANY_IPV6;
}

/** What a successor of this process has to be given. */
export interface HandedDescriptor extends HandedSocket {
  /** It must keep its number, because the application names it. */
  pinned: boolean;
}

export function handedOf({ request, bound }: OpenSocket): HandedDescriptor {
  const { fd = -1 } = bound.handle;
  return {
    fd,
    index: request.port === 0 ? request.index : null,
    kept: bound.kept === true || request.fd !== null,
    pinned: request.fd !== null,
  };
}

export function refusal(
  seq: number,
  errno: number,
  { address, addressType }: Pick<ListenRequest, 'address' | 'addressType'>,
  key = '',
): Reply {
  return { cmd: 'NODE_TUTTI_LISTEN_REPLY', seq, errno, key, dispatched: false, name: null, address, addressType };
}

/** What the application sees: the port that it asked for, and in the reply beside it the one that its slot has. */
export function shownName({ bound: { name }, request: { port, slot } }: OpenSocket): Pick<Reply, 'name' | 'slotPort'> {
  if (!slot || !port || name?.port === undefined) return { name };
  return { name: { ...name, port: port - slot }, slotPort: name.port };
}

export function listenerOf({ bound, request }: OpenSocket): Listener {
  if (bound.kind === 'pipe') return { protocol: 'unix', path: request.address ?? `fd ${request.fd}` };
  const { address, port } = bound.name ?? {};
  return {
    protocol: bound.kind,
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
  };
}

/** Without a host Node tries :: first and 0.0.0.0 where there is no IPv6. */
export function placesOf(request: PlacedRequest): PlacedRequest[] {
  if (request.address !== null || request.fd !== null) return [request];
  return [
    { ...request, address: ANY_IPV6, addressType: 6 },
    { ...request, address: ANY_IPV4, addressType: 4 },
  ];
}

/** Two servers of the app may meet on a port, as one's with the slot added is the other's. They are not the same socket. */
export function keyOf({ address, port, addressType, fd, flags, index, slot }: PlacedRequest): string {
  const place = [addressType, address, port, flags, fd ?? '', port === 0 ? index : ''].join('|');
  return slot ? `slot ${slot}|${place}` : place;
}
