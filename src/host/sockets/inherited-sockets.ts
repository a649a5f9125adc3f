// Listening sockets that another process has bound and handed down (primary): systemd's, or those of a supervisor whose place this one
// takes. A worker's listen() on the same address gets them instead of a new socket. Which address that is, the descriptor itself tells.

import { SocketAddress } from 'node:net';
import { resolve } from 'node:path';
import type { ListenRequest } from '../../protocol/messages.ts';
import type { HandedSocket } from '../../protocol/takeover.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';
import { NOTIFY_DESCRIPTOR } from '../service/notify-socket.ts';
import { ANY_IPV4, ANY_IPV6, type BoundSocket, openInherited } from './bind-socket.ts';
import { keyOf } from './open-socket.ts';

export interface InheritedSocket extends HandedSocket {
  protocol: 'tcp' | 'unix' | 'udp';
  /** As the kernel writes it; null for a path. */
  address: string | null;
  port: number | null;
  /** As it was bound. A NUL first: a name in Linux' abstract space. */
  path: string | null;
}

interface Entry {
  facts: InheritedSocket;
  bound: BoundSocket;
  /** The key of the request that has it. */
  takenAs: string | null;
  closed: boolean;
}

/** What systemd's LISTEN_FDS says to this process: descriptors from 3 on. */
export function socketsFromServiceManager(
  { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES = '' }: Readonly<Record<string, string | undefined>>,
  pid = process.pid,
): HandedSocket[] {
  const count = Number(LISTEN_FDS);
  if (Number(LISTEN_PID) !== pid || !Number.isInteger(count) || count < 1 || count > MOST) return [];
  const names = LISTEN_FDNAMES.split(':');
  const all = Array.from({ length: count }, (_, place) => ({ fd: FIRST + place, index: null, kept: true }));
  return all.filter((_, place) => names[place] !== NOTIFY_DESCRIPTOR);
}

const FIRST = 3;
const MOST = 4096;

export class InheritedSockets {
  readonly #entries: Entry[] = [];
  /** Descriptors that are no sockets on which anybody could listen. */
  readonly unusable: number[] = [];

  constructor(handed: readonly HandedSocket[]) {
    for (const one of handed) {
      const bound = openInherited(one.fd, one.kept);
      if (bound === null) this.unusable.push(one.fd);
      else this.#entries.push({ facts: factsOf(one, bound), bound, takenAs: null, closed: false });
    }
  }

  /** The first of the places at which a socket was inherited, if nobody has it, or one of this very place has. */
  placeOf(places: readonly ListenRequest[]): ListenRequest | null {
    return places.find((place) => this.#find(place, matches) !== undefined) ?? null;
  }

  /**
   * The socket that was inherited for this request, once; null if there is none. `wide`: also one at every IPv6 address for a request
   * at every IPv4 address, which it serves as well where nobody else could be bound.
   */
  take(request: ListenRequest, { wide = false } = {}): BoundSocket | null {
    const entry = this.#find(request, wide ? matchesWide : matches);
    if (entry === undefined || entry.takenAs !== null) return null;
    entry.takenAs = keyOf(request);
    const { bound, facts } = entry;
    const { address, addressType } = request;
    const close = (): void => {
      entry.takenAs = null;
      // A service manager's cannot be had again: clients wait in its queue.
      if (!facts.kept) this.#close(entry);
    };
    const letGo = (): void => {
      entry.closed = true;
      bound.letGo();
    };
    return { ...bound, address, addressType, close, letGo };
  }

  /** Those that nobody has: a service manager's (`kept`), or the others. */
  unused(kept: boolean): Listener[] {
    const unused = this.#entries.filter(
      ({ facts, takenAs, closed }) => takenAs === null && !closed && facts.kept === kept,
    );
    return unused.map(({ facts }) => told(facts));
  }

  /** A service manager's that nobody has, for a successor of this process. */
  keptUnused(): (HandedSocket & { pinned: boolean })[] {
    const unused = this.#entries.filter(({ facts, takenAs, closed }) => takenAs === null && !closed && facts.kept);
    return unused.map(({ facts: { fd, index, kept } }) => ({ fd, index, kept, pinned: true }));
  }

  /** Closes those that nobody has, but for a service manager's. */
  closeUnused(): void {
    for (const entry of this.#entries) if (entry.takenAs === null && !entry.facts.kept) this.#close(entry);
  }

  close(): void {
    for (const entry of this.#entries) this.#close(entry);
  }

  #find(request: ListenRequest, match: typeof matches): Entry | undefined {
    const key = keyOf(request);
    return this.#entries.find(
      ({ facts, takenAs, closed }) => !closed && (takenAs === null || takenAs === key) && match(facts, request),
    );
  }

  #close(entry: Entry): void {
    if (entry.closed) return;
    entry.closed = true;
    entry.bound.close();
  }
}

/** Whether the socket is what the request would have bound. */
export function matches(socket: InheritedSocket, request: ListenRequest): boolean {
  const { fd, address, port, addressType, index } = request;
  if (fd !== null) return fd === socket.fd;
  if (addressType === -1) return socket.path !== null && address !== null && samePath(socket.path, address);
  const protocol = addressType === 'udp4' || addressType === 'udp6' ? 'udp' : 'tcp';
  if (socket.protocol !== protocol || address === null || canonical(address) !== socket.address) return false;
  return port === 0 ? socket.index === index : socket.index === null && socket.port === port;
}

function matchesWide(socket: InheritedSocket, request: ListenRequest): boolean {
  return request.address === ANY_IPV4 && matches(socket, { ...request, address: ANY_IPV6 });
}

function factsOf(handed: HandedSocket, { kind, name, address }: BoundSocket): InheritedSocket {
  if (kind === 'pipe') return { ...handed, protocol: 'unix', address: null, port: null, path: address };
  return { ...handed, protocol: kind, address: name?.address ?? null, port: name?.port ?? null, path: null };
}

function told({ protocol, address, port, path }: InheritedSocket): Listener {
  if (path !== null) return { protocol, path: path.replace(/^\0/, '@') };
  return { protocol, ...(address === null ? {} : { address }), ...(port === null ? {} : { port }) };
}

function samePath(bound: string, asked: string): boolean {
  return bound === asked || (!bound.startsWith('\0') && !asked.startsWith('\0') && resolve(bound) === resolve(asked));
}

/** As the kernel writes it: an IPv6 address has many spellings. */
function canonical(address: string): string {
  if (!address.includes(':')) return address;
  try {
    return new SocketAddress({ address, family: 'ipv6' }).address;
  } catch {
    return address;
  }
}
