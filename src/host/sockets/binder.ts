// Binds what a worker asks for, or finds it among the sockets that were inherited (primary). What is asked for twice is bound once.

import { constants } from 'node:os';
import { type Account, asAccount } from '../privileges/as-account.ts';
import { type BoundSocket, bindSocket } from './bind-socket.ts';
import type { InheritedSockets } from './inherited-sockets.ts';
import { LAST_PORT, type PlacedRequest } from './slot-ports.ts';

export const EADDRINUSE = -constants.errno.EADDRINUSE;
export const EINVAL = -constants.errno.EINVAL;

export interface BinderOptions {
  inherited: InheritedSockets | null;
  /** Makes room on the address, if only sockets that nobody has stand there. */
  evict(key: string, request: PlacedRequest): boolean;
  /** Has whoever of an earlier supervisor of the app holds this port or path let it go. False: it is somebody else's. */
  claim(place: number | string): Promise<boolean>;
  /** What else is to be done before it can be given to workers. Answers with a negative errno if that cannot be. */
  prepare(key: string, request: PlacedRequest, bound: BoundSocket): number;
}

export class Binder {
  readonly #options: BinderOptions;
  readonly #binding = new Map<string, Promise<BoundSocket | number>>();
  #closed = false;

  constructor(options: BinderOptions) {
    this.#options = options;
  }

  /** The order in which the places are tried: first the one at which a socket was inherited. */
  inOrder(places: readonly PlacedRequest[]): readonly PlacedRequest[] {
    const first = this.#options.inherited?.placeOf(places) ?? null;
    return first === null ? places : [first, ...places.filter((place) => place !== first)];
  }

  /** Answers with a negative errno if it cannot. `account`: the user of the worker that asks, if it is not ours. */
  async bind(key: string, request: PlacedRequest, account: Account | null): Promise<BoundSocket | number> {
    const binding = this.#binding.get(key) ?? this.#bind(key, request, account);
    this.#binding.set(key, binding);
    const bound = await binding;
    this.#binding.delete(key);
    return bound;
  }

  close(): void {
    this.#closed = true;
  }

  async #bind(key: string, request: PlacedRequest, account: Account | null): Promise<BoundSocket | number> {
    if ((request.port ?? 0) > LAST_PORT) return EINVAL;
    const { inherited, evict, prepare } = this.#options;
    let bound = inherited?.take(request) ?? (await this.#try(request, account));
    if (bound === EADDRINUSE && evict(key, request)) bound = await this.#try(request, account);
    if (bound === EADDRINUSE) bound = inherited?.take(request, { wide: true }) ?? bound;
    if (bound === EADDRINUSE && (await this.#claim(request))) bound = await this.#try(request, account);
    if (typeof bound === 'number') return bound;
    bound = withRights(account, bound);
    const errno = this.#closed ? EADDRINUSE : prepare(key, request, bound);
    if (errno === 0) return bound;
    bound.close();
    return errno;
  }

  async #claim({ addressType, address, port }: PlacedRequest): Promise<boolean> {
    const place = addressType === -1 ? address : port;
    return place !== null && place !== 0 && (await this.#options.claim(place));
  }

  /** What a private part of Node throws at a strange request is the application's error, not the end of the primary. */
  async #try(request: PlacedRequest, account: Account | null): Promise<BoundSocket | number> {
    try {
      // Its program chose the path; ports are bound with our own rights.
      return await asAccount(request.addressType === -1 ? account : null, () => bindSocket(request));
    } catch {
      return EINVAL;
    }
  }
}

/** Puts back and removes the path of a unix socket with the rights of the account only. */
function withRights(account: Account | null, bound: BoundSocket): BoundSocket {
  if (account === null || bound.kind !== 'pipe') return bound;
  const { restore, close } = bound;
  return {
    ...bound,
    ...(restore !== undefined && { restore: () => asAccount(account, restore) }),
    close: () => asAccount(account, close),
  };
}
