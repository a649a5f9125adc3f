// The worker's side of the data plane: its copies of the primary's listening sockets, the gate before it is ready, the end of accepting in a
// drain, and the connections that come from or go to siblings. Its interface is data-plane.ts; its counterpart in the primary is
// src/host/connections/primary-data-plane.ts.

import type dgram from 'node:dgram';
import type { Server } from 'node:net';
import { constants } from 'node:os';
import type { DataToWorker, ListenRequest } from '../../protocol/messages.ts';
import type { RawConnection, RawHandle, RawListenHandle } from '../../protocol/raw-handle.ts';
import type { HandedSocket } from '../../protocol/takeover.ts';
import { guarded, type Outcome } from '../guard.ts';
import { DatagramGate, type RawDatagram } from '../listen/datagram-gate.ts';
import { watchForeignListen } from '../listen/fallback-listen.ts';
import { handServers } from '../listen/handed-servers.ts';
import { ListenHandle } from '../listen/listen-handle.ts';
import { installListenHook, type PrivateServer, type ServerAnswer } from '../listen/listen-hook.ts';
import { type ListenReply, ListenRequests } from '../listen/listen-requests.ts';
import { addressOf, boundOf, type ListenerInfo, listenerInfo } from '../listen/listener-info.ts';
import { PendingHandle } from '../listen/pending-handle.ts';
import { PrivateListeners } from '../listen/private-listen.ts';
import { handedSockets } from '../orphan/handed-sockets.ts';
import type { Connection } from './connections.ts';
import type { DataPlane, DataPlaneCounts, DataPlaneOptions } from './data-plane.ts';
import { LastSends } from './last-sends.ts';
import { Transfers } from './transfers.ts';

interface Held {
  handle: ListenHandle;
  server: PrivateServer;
  /** Others accept in its place. It does not accept even when a requested copy arrives. */
  rests: boolean;
}

type Port = Extract<DataToWorker, { cmd: 'NODE_TUTTI_PORT' }>;
type Adopt = Extract<DataToWorker, { cmd: 'NODE_TUTTI_ADOPT' }>;

/** Node's answer to a second listen() on an address that this process already has. */
const EADDRINUSE = -constants.errno.EADDRINUSE;

export function installDataPlane(options: DataPlaneOptions): DataPlane {
  const plane = new WorkerDataPlane(options);
  plane.install();
  return plane;
}

class WorkerDataPlane implements DataPlane {
  selfTest: 'ok' | string = 'ok';
  readonly #options: DataPlaneOptions;
  readonly #held = new Map<string, Held>();
  readonly #datagrams = new Map<string, DatagramGate>();
  readonly #requests: ListenRequests;
  /** listen() calls of servers that the primary has not answered yet. */
  #listens = 0;
  /** Sockets whose server was closed before they came. */
  readonly #unclaimed = new Set<string>();
  #open: boolean;
  #slot: number | null;
  #foreign: { stopAccepting(): void } | null = null;
  readonly #transfers: Transfers;
  readonly #private: PrivateListeners;
  #stopped = false;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    const { gated, slot, balance, transfer, replay } = options.boot;
    this.#open = !gated;
    this.#slot = slot;
    this.#requests = new ListenRequests(options.send);
    this.#private = new PrivateListeners(options.readiness);
    this.#transfers = new Transfers({
      balance,
      transfer,
      replay,
      seat: options.seat,
      send: options.send,
      listenerOf: (server) => this.#heldBy(server)?.handle,
    });
  }

  install(): void {
    this.selfTest =
      this.#options.boot.selfTest ??
      installListenHook({
        onServer: (server, request, answer) => this.#listen(server, request, answer),
        onDatagram: (socket, request, answer) => this.#bind(socket, request, answer),
        onPrivate: (server) => this.#private.add(server),
        onLookup: (change) => {
          if (change > 0) this.#options.readiness.listenPending();
          else this.#options.readiness.listenSettled(this, null);
        },
      });
    if (this.selfTest === 'ok') {
      handServers((handle, got) => {
        this.#requests.copyForOther(
          handle.key,
          (reply, raw) => () => got(reply.errno === 0 ? (raw as RawListenHandle | null) : null),
        );
      });
    } else this.#foreign = watchForeignListen(this.#options.readiness);
  }

  admit(slot: number): void {
    this.#slot = slot;
    const wasOpen = this.#open;
    this.#open = true;
    this.#offerSlot();
    if (wasOpen) return;
    for (const { handle } of this.#held.values()) this.#copy(handle);
    for (const datagram of this.#datagrams.values()) datagram.open();
  }

  stopAccepting(): void {
    this.#stopped = true;
    this.#transfers.setSlot(null);
    for (const { handle } of this.#held.values()) if (!handle.alone) handle.stopAccepting();
    for (const datagram of this.#datagrams.values()) if (!datagram.alone) datagram.stop();
    if (this.#foreign !== null) {
      this.#foreign.stopAccepting();
      this.#transfers.mayGet();
    }
    this.#private.stopAccepting();
  }

  onMessage(message: DataToWorker, handle: unknown): Outcome {
    switch (message.cmd) {
      case 'NODE_TUTTI_LISTEN_REPLY':
        return this.#requests.onReply(message, handle);
      case 'NODE_TUTTI_ADOPT':
        this.#adopt(message, handle as RawConnection | undefined);
        return;
      case 'NODE_TUTTI_PING':
        this.#options.send({ cmd: 'NODE_TUTTI_PONG', id: message.id });
        return;
      case 'NODE_TUTTI_SETTLED':
        this.#transfers.settled();
        return;
      case 'NODE_TUTTI_PORT':
        this.#onPort(message);
        return;
      case 'NODE_TUTTI_REST':
        this.#rest(message.key, true)?.stopAccepting();
        return;
      case 'NODE_TUTTI_ACCEPT':
        this.#resume(this.#rest(message.key, false), handle);
        return;
      default:
        message satisfies never;
    }
  }

  moveIdle(): number {
    return this.#transfers.moveIdle();
  }

  willMove(connection: Connection): boolean {
    return this.#transfers.willMove(connection);
  }

  leaving(): number {
    let last = 0;
    for (const { handle } of this.#held.values()) if (handle.isLast) last += 1;
    return this.#transfers.leaving + last + (this.#transfers.isUnsettled() ? 1 : 0);
  }

  end(): void {
    this.#transfers.end();
  }

  rescue(): void {
    const last = LastSends.begin();
    if (last === null) return;
    this.#transfers.rescue(last);
    last.settle();
  }

  abandon(): void {
    this.#transfers.abandon();
    for (const { handle } of this.#held.values()) if (handle.alone) handle.finishAccepting(true);
  }

  get lacksCopy(): boolean {
    return [...this.#held.values()].some(({ handle, rests }) => handle.needsCopy && !rests);
  }

  ownSockets(): HandedSocket[] | null {
    return this.selfTest === 'ok' ? handedSockets(this.#held, this.#datagrams) : null;
  }

  accept(server: Server, client: RawConnection): boolean {
    const held = this.#heldBy(server);
    held?.handle.serve(client);
    return held !== undefined;
  }

  counts(): DataPlaneCounts {
    return this.#transfers.counts;
  }

  #heldBy(server: Server): Held | undefined {
    for (const held of this.#held.values()) if (held.server === server && held.handle.listening) return held;
    return undefined;
  }

  /** Siblings may send connections here while this worker accepts from any socket. */
  #offerSlot(): void {
    if (!this.#open || this.#stopped) return;
    const accepts = [...this.#held.values()].some(({ handle }) => handle.listening);
    this.#transfers.setSlot(accepts ? this.#slot : null);
  }

  #listen(server: PrivateServer, request: Omit<ListenRequest, 'index'>, answer: ServerAnswer): void {
    const pending = new PendingHandle(request);
    server._handle = pending;
    this.#listens++;
    this.#ask(request, (reply, raw) => {
      this.#listens--;
      if (pending.closed) {
        (raw as RawHandle | null)?.close();
        if (reply.errno === 0) this.#unclaimed.add(reply.key);
        this.#releaseUnclaimed();
        this.#options.readiness.listenSettled(pending, null);
        return;
      }
      if (server._handle === pending) server._handle = null;
      const twice = reply.errno === 0 && this.#held.has(reply.key);
      if (twice) (raw as RawHandle | null)?.close();
      const info = listenerInfo(server, request, reply);
      const handle = new ListenHandle({
        key: reply.key,
        real: twice ? null : (raw as RawListenHandle | null),
        errno: twice ? EADDRINUSE : reply.errno,
        name: reply.name,
        dispatched: reply.dispatched,
        isOpen: () => this.#open && !this.#stopped,
        onAccept: (listener, client) => this.#transfers.accept(listener, client, this.#isFull(server)),
        onListening: guarded('offering to accept', (listener) => {
          this.#offerSlot();
          this.#options.readiness.listenSettled(listener, info);
        }),
        onClose: guarded('closing a listener', (listener) => {
          if (this.#held.get(reply.key)?.handle === listener) this.#release(reply.key, listener);
        }),
      });
      if (reply.errno === 0 && !twice) {
        // The application's own keys win: a reload may have changed them.
        if (reply.data !== undefined && server.ticketKeys == null) server._setServerData?.(reply.data);
        this.#held.set(reply.key, { handle, server, rests: false });
      }
      return () => {
        answer(handle, boundOf(request, reply));
        if (!handle.listening) this.#options.readiness.listenSettled(handle, null);
        this.#releaseUnclaimed();
      };
    });
  }

  /** The primary knows one holder per worker and key, and a later listen() of the same key may be pending. So this waits. */
  #releaseUnclaimed(): void {
    if (this.#listens > 0) return;
    for (const key of this.#unclaimed) if (!this.#held.has(key)) this.#options.send({ cmd: 'NODE_TUTTI_CLOSE', key });
    this.#unclaimed.clear();
  }

  #bind(
    _socket: dgram.Socket,
    request: Omit<ListenRequest, 'index'>,
    answer: (errno: number, handle: unknown) => void,
  ) {
    this.#ask(request, (reply, raw) => {
      const handle = raw as RawDatagram | null;
      if (reply.errno !== 0 || handle === null || this.#datagrams.has(reply.key)) {
        handle?.close();
        this.#options.readiness.listenSettled(this, null);
        return () => answer(reply.errno || EADDRINUSE, null);
      }
      const info: ListenerInfo = { protocol: 'udp', ...addressOf(reply) };
      const isOpen = () => this.#open && !this.#stopped;
      const gate = new DatagramGate(handle, isOpen, () => {
        this.#datagrams.delete(reply.key);
        this.#release(reply.key, handle);
      });
      this.#datagrams.set(reply.key, gate);
      return () => {
        answer(0, handle);
        this.#options.readiness.listenSettled(handle, gate.wanted ? info : null);
      };
    });
  }

  #ask(request: Omit<ListenRequest, 'index'>, answer: (reply: ListenReply, handle: unknown) => Outcome): void {
    this.#options.readiness.listenPending();
    this.#requests.listen(request, answer);
  }

  #copy(handle: ListenHandle): void {
    if (!handle.needsCopy) return;
    this.#requests.copy(handle.key, (reply, raw) => {
      const rests = this.#held.get(handle.key)?.rests && !handle.alone;
      this.#resume(reply.errno === 0 && !rests ? handle : undefined, raw);
    });
  }

  #onPort({ key, state, take }: Port): void {
    const alone = state !== 'shared';
    const datagram = this.#datagrams.get(key);
    if (datagram !== undefined) {
      datagram.alone = alone;
      const reads = alone && (take || state !== 'closing');
      if (this.#stopped && reads) datagram.open();
      if (this.#stopped && !reads) datagram.stop();
    }
    const handle = this.#held.get(key)?.handle;
    if (handle === undefined) return;
    handle.alone = alone;
    if (state === 'closing') handle.finishAccepting(take);
    // It may have rested while others accepted in its place.
    else if (alone && this.#open) this.#copy(handle);
    else if (!alone && this.#stopped) handle.stopAccepting();
  }

  #rest(key: string, rests: boolean): ListenHandle | undefined {
    const held = this.#held.get(key);
    if (held !== undefined) held.rests = rests;
    return held?.handle;
  }

  #resume(handle: ListenHandle | undefined, raw: unknown): void {
    if (handle === undefined || (this.#stopped && !handle.alone)) (raw as RawHandle | null | undefined)?.close();
    else if (raw) handle.resume(raw as RawListenHandle);
  }

  #release(key: string, handle: object): void {
    this.#held.delete(key);
    this.#offerSlot();
    if (this.#held.size === 0) this.#requests.forgetPorts();
    this.#options.send({ cmd: 'NODE_TUTTI_CLOSE', key });
    this.#options.readiness.closed(handle);
  }

  #adopt(message: Adopt, client: RawConnection | undefined): void {
    if (client === undefined) return;
    const held = this.#held.get(message.key);
    this.#transfers.adopt(message, held?.handle, held !== undefined && this.#isFull(held.server), client);
  }

  /** Whether the server would close one more. Connections that are about to be served count. */
  #isFull({ maxConnections, _connections }: PrivateServer): boolean {
    return maxConnections != null && _connections + this.#transfers.adopting >= maxConnections;
  }
}
