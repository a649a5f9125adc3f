// Every listening socket of the app (primary). The primary binds, so a socket outlives any worker, and clients that come while no worker lives
// wait in the kernel's queue. Workers get copies of the raw handle; only with `round-robin` the primary itself accepts. The worker's side is
// src/worker/listen/listen-requests.ts.

import { getSystemErrorName } from 'node:util';
import { whenQueueTaken } from '../../protocol/accept-queue.ts';
import { acceptsInPrimary } from '../../protocol/balance.ts';
import type { ToPrimary, ToWorker } from '../../protocol/messages.ts';
import type { RawListenHandle } from '../../protocol/raw-handle.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';
import type { PortsToShut } from '../connections/data-plane.ts';
import type { DataPlaneWorker } from '../connections/data-plane-worker.ts';
import type { Account } from '../privileges/as-account.ts';
import { AcceptorChoice, Acceptors } from './acceptors.ts';
import type { BoundSocket } from './bind-socket.ts';
import { Binder, EADDRINUSE, EINVAL } from './binder.ts';
import type { ListeningSocketsOptions } from './listening-options.ts';
import {
  type HandedDescriptor,
  handedOf,
  isFromOutside,
  isWanted,
  keyOf,
  listenerOf,
  meets,
  type OpenSocket,
  placesOf,
  refusal,
  shownName,
  standsInTheWay,
  tellHolders,
} from './open-socket.ts';
import { atSlot, type PlacedRequest } from './slot-ports.ts';

type Listen = Extract<ToPrimary, { cmd: 'NODE_TUTTI_LISTEN' }>;
type Copy = Extract<ToPrimary, { cmd: 'NODE_TUTTI_COPY' }>;
type Reply = Extract<ToWorker, { cmd: 'NODE_TUTTI_LISTEN_REPLY' }>;

/** An application that closes its server and lives on means it; one that is about to crash or to listen again does so by then. */
const CLOSE_GRACE_MS = 2000;
/** Node's own, where a program says nothing. */
const BACKLOG = 511;

export class ListeningSockets {
  readonly #options: ListeningSocketsOptions;
  readonly #sockets = new Map<string, OpenSocket>();
  readonly #binder: Binder;
  readonly #workers = new Set<DataPlaneWorker>();
  /** Those that are closed for clients while workers still have them. */
  readonly #leaving = new Map<string, OpenSocket>();
  /** False after `closePorts`, until a worker is admitted: then nothing is held for anyone. */
  #holding = true;
  #ending = false;
  readonly #choice: AcceptorChoice;

  constructor(options: ListeningSocketsOptions) {
    this.#options = options;
    this.#choice = new AcceptorChoice(options, () => this.#sockets.values());
    this.#binder = new Binder({
      inherited: options.inherited ?? null,
      claim: async (place) => (await options.claim?.(place)) ?? false,
      evict: (key, request) => this.#evict(key, request),
      prepare: (key, request, bound) => (this.#dispatches(bound) ? this.#accept(key, request, bound) : 0),
    });
  }

  /** Binds what the worker asks for, or finds it bound, and answers with a copy. */
  handleListen(worker: DataPlaneWorker, message: Listen): void {
    this.#workers.add(worker);
    const { cmd: _cmd, seq, ...asked } = message;
    const request = atSlot(asked, worker.portSlot);
    const shut = this.#ending ? placesOf(request).map((place) => this.#leaving.get(keyOf(place))) : [];
    const ended = shut.find((socket) => socket !== undefined);
    if (ended !== undefined) {
      // To the application it listens, as to those that came before it; the port is closed.
      this.#reply(worker, seq, { ...ended, dispatched: true });
      return;
    }
    const places = placesOf(request);
    void this.#open(places, worker.account).then(({ socket, request: tried, errno }) => {
      if (!this.#workers.has(worker)) {
        if (socket !== null) this.#abandon(socket);
        return;
      }
      if (socket === null) {
        const reply = refusal(seq, errno, tried);
        const { slot, port } = tried;
        if (slot !== undefined && port !== null) {
          reply.slotPort = port;
          this.#options.onRefused?.({ slot, port, asked: asked.port ?? port, code: getSystemErrorName(errno) });
        } else if (errno === EADDRINUSE && this.#isSiblings(worker, tried.port)) reply.own = true;
        worker.send(reply);
        return;
      }
      if (socket.closing !== null) clearTimeout(socket.closing);
      socket.closing = null;
      socket.holders.add(worker);
      if (!worker.isDraining()) this.#taken(socket);
      socket.bound.restore?.();
      this.#reply(worker, seq, socket);
    });
  }

  handleCopy(worker: DataPlaneWorker, message: Copy): void {
    const socket = this.#sockets.get(message.key);
    if (socket === undefined) this.#refuse(worker, message.seq, message.key);
    else this.#reply(worker, message.seq, socket);
  }

  /** The worker closed its copy: by the application's own will, or because it drains. */
  handleClose(worker: DataPlaneWorker, key: string): void {
    this.#leaving.get(key)?.holders.delete(worker);
    const socket = this.#sockets.get(key);
    if (!socket?.holders.delete(worker)) return;
    socket.acceptors?.forget(worker);
    this.membersChanged();
    if (socket.holders.size > 0) return;
    if (worker.isDraining()) this.#abandon(socket);
    else if (socket.request.port === 0) this.#close(socket);
    else {
      socket.closing = setTimeout(() => this.#close(socket), CLOSE_GRACE_MS);
      socket.closing.unref();
    }
  }

  /** The worker takes nothing new. If no other has a socket of its, it goes on with that one. */
  draining(worker: DataPlaneWorker): void {
    for (const socket of this.#sockets.values()) {
      if (!socket.holders.has(worker) || isWanted(socket)) continue;
      if (socket.alone) tellHolders(socket, [worker], 'alone');
      else tellHolders(socket, socket.holders, 'alone');
      socket.alone = true;
    }
    this.membersChanged();
  }

  /** A worker that is ready makes it worth while again to hold ports for its successors. */
  admitted(): void {
    this.#holding = true;
    this.membersChanged();
  }

  /** Some worker may accept from now on, or does not any more. */
  membersChanged(): void {
    this.#choice.membersChanged();
  }

  /** Workers gave signs of life; others may not have for too long. */
  heard(): void {
    this.#choice.heard();
  }

  /** One of those who accept has no room. */
  full(): void {
    this.#choice.full();
  }

  /** The worker is dead. Sockets that nobody else has are held. */
  release(worker: DataPlaneWorker): void {
    this.#workers.delete(worker);
    for (const [key, { holders }] of this.#leaving)
      if (holders.delete(worker) && holders.size === 0) this.#leaving.delete(key);
    for (const socket of [...this.#sockets.values()]) {
      // Its application may have tidied up after itself.
      socket.bound.restore?.();
      if (!socket.holders.delete(worker)) continue;
      if (!worker.isDraining() && !isWanted(socket)) socket.lostBy = worker.generation;
      socket.acceptors?.forget(worker);
      this.membersChanged();
      if (socket.holders.size === 0) this.#abandon(socket);
    }
  }

  /** Closes every socket that no worker has, and holds none until a worker is ready: clients are refused. */
  closePorts(): void {
    this.#holding = false;
    for (const socket of [...this.#sockets.values()]) if (socket.holders.size === 0) this.#abandon(socket);
  }

  /** Closes sockets for clients. */
  shut(which: PortsToShut): Listener[] {
    const isAll = 'unusedBy' in which && which.unusedBy === null;
    if (isAll) {
      this.#holding = false;
      this.#ending = true;
    }
    const isDue = (socket: OpenSocket): boolean => {
      if (isWanted(socket) || isFromOutside(socket)) return false;
      return 'slot' in which ? socket.request.slot === which.slot : socket.lostBy !== which.unusedBy;
    };
    const due = [...this.#sockets.values()].filter((socket) => isAll || isDue(socket));
    for (const socket of due) this.#shut(socket);
    return due.map(listenerOf);
  }

  handed(): HandedDescriptor[] {
    return [...[...this.#sockets.values()].map(handedOf), ...(this.#options.inherited?.keptUnused() ?? [])];
  }

  letGo(): void {
    for (const { bound } of this.#sockets.values()) Object.assign(bound, { kept: true, close: bound.letGo });
  }

  holders(key: string): Iterable<DataPlaneWorker> {
    return (this.#sockets.get(key) ?? this.#leaving.get(key))?.holders ?? [];
  }

  /** Clients can connect to the socket `key`. */
  isOpen(key: string): boolean {
    return this.#sockets.has(key);
  }

  list(): Listener[] {
    return [...this.#sockets.values()].map(listenerOf);
  }

  close(): void {
    this.#binder.close();
    this.#choice.close();
    for (const socket of [...this.#sockets.values()]) this.#close(socket);
    this.#options.inherited?.close();
  }

  async #open(
    places: PlacedRequest[],
    account: Account | null,
  ): Promise<{ socket: OpenSocket | null; request: PlacedRequest; errno: number }> {
    let errno = 0;
    let request = places[0] as PlacedRequest;
    for (request of this.#binder.inOrder(places)) {
      const key = keyOf(request);
      const open = this.#sockets.get(key);
      if (open !== undefined) return { socket: open, request, errno: 0 };
      const isMet = [...this.#sockets.values()].some((other) => meets(other, request));
      const bound = isMet ? EADDRINUSE : await this.#binder.bind(key, request, account);
      if (typeof bound !== 'number') {
        const socket = this.#sockets.get(key);
        if (socket !== undefined) return { socket, request, errno: 0 };
        return { socket: this.#keep(key, request, bound), request, errno: 0 };
      }
      errno = bound;
      // libuv tells "in use" only at listen(), after the choice of the address: there is no second try under plain node either.
      if (errno === EADDRINUSE) break;
    }
    return { socket: null, request, errno };
  }

  /** Another worker listens on the port, at whatever address. */
  #isSiblings(worker: DataPlaneWorker, port: number | null): boolean {
    if (port === null || port <= 0) return false;
    for (const { bound, holders } of this.#sockets.values()) {
      if (bound.name?.port === port && holders.size > (holders.has(worker) ? 1 : 0)) return true;
    }
    return false;
  }

  #keep(key: string, request: PlacedRequest, bound: BoundSocket): OpenSocket {
    const socket: OpenSocket = {
      ...{ key, request, bound, data: request.data, alone: false, lostBy: null, closing: null },
      dispatched: this.#dispatches(bound),
      holders: new Set(),
      acceptors: this.#isShared(bound) ? new Acceptors(key, bound.handle) : null,
    };
    this.#sockets.set(key, socket);
    return socket;
  }

  /** The workers accept from it, each for itself. */
  #isShared(bound: BoundSocket): boolean {
    return bound.kind !== 'udp' && !this.#dispatches(bound);
  }

  #dispatches(bound: BoundSocket): boolean {
    return acceptsInPrimary(this.#options.balance) && bound.kind !== 'udp';
  }

  #accept(key: string, request: PlacedRequest, bound: BoundSocket): number {
    const handle = bound.handle as RawListenHandle;
    handle.onconnection = (status, client) => {
      if (status === 0 && client !== undefined) this.#options.onConnection(key, client);
    };
    const listen = (): number => handle.listen(request.backlog ?? BACKLOG);
    return this.#options.heldBack?.act(listen, 0) ?? listen();
  }

  /** Sockets that are only held must not stand in the way of a new address on the same port. */
  #evict(key: string, request: PlacedRequest): boolean {
    const due = [...this.#sockets.values()].filter((open) => open.key !== key && standsInTheWay(open, request));
    for (const socket of due) this.#close(socket);
    return due.length > 0;
  }

  #reply(worker: DataPlaneWorker, seq: number, socket: OpenSocket): void {
    const { bound, dispatched, key, data } = socket;
    const reply: Reply = {
      ...{ cmd: 'NODE_TUTTI_LISTEN_REPLY', seq, errno: 0, key, dispatched, ...shownName(socket) },
      ...{ address: bound.address, addressType: bound.addressType },
    };
    if (data !== undefined) reply.data = data;
    // One handle at a time is on its way: the socket may be closed before it is this one's turn.
    worker.send(reply, dispatched ? undefined : bound.handle, (error) => {
      if (error !== null) this.#refuse(worker, seq, key);
    });
  }

  /** Every question is answered: the worker may wait for nothing else. */
  #refuse(worker: DataPlaneWorker, seq: number, key: string): void {
    worker.send(refusal(seq, EINVAL, { address: null, addressType: null }, key));
  }

  /** Nobody has it any more: hold it, unless the time for that is over. A descriptor from outside cannot be had again. */
  #abandon(socket: OpenSocket): void {
    if (socket.holders.size > 0 || this.#holding || isFromOutside(socket)) return;
    this.#close(socket);
  }

  /** A worker that stays has it. */
  #taken(socket: OpenSocket): void {
    socket.lostBy = null;
    if (socket.alone) tellHolders(socket, socket.holders, 'shared');
    socket.alone = false;
  }

  #shut(socket: OpenSocket): void {
    const { key, bound, dispatched, holders } = socket;
    if (!dispatched || holders.size === 0) {
      this.#close(socket);
      if (holders.size > 0) this.#leaving.set(key, socket);
      tellHolders(socket, holders, 'closing');
      return;
    }
    this.#sockets.delete(key);
    this.#leaving.set(key, socket);
    if (!socket.alone) tellHolders(socket, holders, 'alone');
    const close = (): void => {
      bound.close();
      this.#options.onClosing(key);
      tellHolders(socket, holders, 'closing');
    };
    if (isFromOutside(socket)) close();
    else whenQueueTaken(bound.handle as RawListenHandle, setImmediate, close);
  }

  #close(socket: OpenSocket): void {
    if (socket.closing !== null) clearTimeout(socket.closing);
    this.#sockets.delete(socket.key);
    socket.bound.close();
  }
}
