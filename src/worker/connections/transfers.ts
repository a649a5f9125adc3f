// Sends connections to siblings through the primary, and takes theirs. Runs in the worker.
// A connection leaves as a raw handle of which no byte is read any more; whoever gets it goes on as if it had accepted it.

import { type Balance, spreadsByTransfer, type Transfer } from '../../protocol/balance.ts';
import type { BootInfo, ToPrimary, ToWorker } from '../../protocol/messages.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import type { Balancer, Placement } from '../balance/balancer.ts';
import { balancerFor } from '../balance/balancer-for.ts';
import { canSendHandles, isChannelLost, type Sent } from '../channel.ts';
import * as clock from '../clock.ts';
import { failed, guarded, type HandOver, later, nextTick, soon } from '../guard.ts';
import type { ListenHandle } from '../listen/listen-handle.ts';
import type { AnyServer } from '../listen/servers.ts';
import { kindsInFlight, replay, replayable } from '../replay.ts';
import { setAnswered } from '../report/requests.ts';
import type { ScoreboardSeat } from '../report/scoreboard-seat.ts';
import { resumeBetweenRequests } from './between-requests.ts';
import { allConnections, type Connection, leave, newestConnection, whenLost } from './connections.ts';
import type { LastSends } from './last-sends.ts';
import { isUsed, mayMove, movableNow, type PrivateSocket } from './movable.ts';
import { hasOwnState } from './own-state.ts';

export type Send = (message: ToPrimary, handle?: unknown, callback?: Sent) => void;
type Adopt = Extract<ToWorker, { cmd: 'NODE_TUTTI_ADOPT' }>;

interface Held {
  listener: ListenHandle;
  used: boolean;
  /** Of a request that runs here again. */
  head: string | undefined;
}

export interface TransfersOptions {
  balance: Balance;
  transfer: Transfer;
  replay: BootInfo['replay'];
  /** Null: connections stay where the kernel put them. */
  seat: ScoreboardSeat | null;
  send: Send;
  /** The listener of a server, while the server listens. */
  listenerOf(server: AnyServer): ListenHandle | undefined;
}

const REBALANCE_MS = 400;
/**
 * Clients that ask again at once are never between two requests when somebody looks, and a look costs as much as a request. So often
 * it is tried until the next rebalancing; those who pause are found at once.
 */
const LOOKS = 20;
/** What is on its way out at once: the channel carries one handle at a time and also everything else. */
const MOST_UNSENT = 128;
/** A connection that is never quiet is told to close after this part of a drain. */
const PATIENCE_MS = 2000;
/** When nobody had room for what was too much for a server, it closes for so long what is too much, as it would alone. */
const FULL_MS = 50;
/** As Node adds to keepAliveTimeout, so that the server is never the first to give up a connection. */
const KEEP_ALIVE_BUFFER_MS = 1000;

export class Transfers {
  readonly counts = { sent: 0, adopted: 0, refused: 0 };
  readonly #options: TransfersOptions;
  /** Handles that have not left this process yet. */
  readonly #unsent = new Map<RawConnection, Held>();
  /** Those of siblings whose answer has not left this process yet. */
  readonly #adopting = new Map<RawConnection, Held & { answer: ToPrimary }>();
  /** Null where every worker accepts anyway. */
  #balancer: Balancer | null = null;
  /** When a connection came back because nobody had room for it. */
  #noRoomAt = Number.NEGATIVE_INFINITY;
  /** How many more may leave as soon as they have nothing under way; while draining, all of them. */
  #wanted = 0;
  #drainingSince: number | null = null;
  #answered: Connection[] = [];
  #looks = 0;
  #ended = false;
  /** `asked`: nothing was sent since the primary was asked whether all of it has arrived. */
  #unsettled: 'sent' | 'asked' | null = null;
  readonly #rebalances: boolean;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: TransfersOptions) {
    this.#options = options;
    this.#rebalances = spreadsByTransfer(options.balance);
    if (options.seat === null) return;
    this.#balancer = balancerFor(
      options.balance,
      options.seat,
      () => allConnections().size + this.#adopting.size,
      () => this.#unsent.size,
    );
    whenLost(() => this.#balancer?.closed());
  }

  get leaving(): number {
    return this.#unsent.size + this.#adopting.size;
  }

  /** Something that was sent may still come back. Asks the primary, when nothing else is left. */
  isUnsettled(): boolean {
    if (this.#unsettled === 'sent' && this.leaving === 0) {
      this.#unsettled = 'asked';
      this.#options.send({ cmd: 'NODE_TUTTI_SETTLE' });
    }
    return this.#unsettled !== null;
  }

  /** The primary may have sent a connection here that crosses our word that nothing is accepted: it goes back. */
  mayGet(): void {
    this.#unsettled = 'sent';
  }

  settled(): void {
    if (this.#unsettled === 'asked') this.#unsettled = null;
  }

  /** Taken over, and not given to a server yet. */
  get adopting(): number {
    return this.#adopting.size;
  }

  /** From now on siblings may count on this worker; null: not any more. */
  setSlot(slot: number | null): void {
    this.#balancer?.setSlot(slot);
  }

  /** A connection was accepted here: it is served here, or sent to where it should be. `isFull`: its server would close it. */
  accept(listener: ListenHandle, client: RawConnection, isFull: boolean): void {
    const placement = canPass(listener) ? this.#place(client, isFull) : null;
    if (placement === null) listener.serve(client);
    else this.#send(listener, client, false, placement);
  }

  /** Never throws: a connection that cannot be placed is served here. */
  #place(client: RawConnection, isFull: boolean): Placement | null {
    try {
      const now = clock.now();
      const mustLeave = isFull && now - this.#noRoomAt > FULL_MS;
      const placement = this.#balancer?.place(client, now, mustLeave) ?? null;
      this.#keepBalance();
      return placement;
    } catch (error) {
      failed('placing a connection', error);
      return null;
    }
  }

  adopt(message: Adopt, listener: ListenHandle | undefined, isFull: boolean, client: RawConnection): void {
    const { id, mode, used, head } = message;
    const isOpen = listener?.listening && !listener.closed && this.#drainingSince === null;
    const takes = mode === 'return' || (isOpen && (mode === 'must' || !isFull));
    if (listener === undefined || this.#ended || !takes) {
      this.counts.refused += 1;
      client.close();
      this.#options.send({ cmd: 'NODE_TUTTI_ADOPTED', id, accepted: false });
      return;
    }
    if (mode !== 'return') this.counts.adopted += 1;
    else if (isFull) this.#noRoomAt = clock.now();
    // The primary counts on the scoreboard from the moment it has the answer.
    const answer: ToPrimary = { cmd: 'NODE_TUTTI_ADOPTED', id, accepted: true };
    const held = { listener, used, head };
    this.#adopting.set(client, { ...held, answer });
    this.#balancer?.write();
    // Not a byte is read before the answer has left this process: without it the primary gives the connection to another.
    const told = guarded('taking over a connection', (error: Error | null) => {
      if (!this.#adopting.delete(client)) return;
      // Of a dead primary nobody else gets it.
      if (error === null || isChannelLost(error)) return this.#serve(client, held);
      client.close();
    });
    this.#options.send(answer, undefined, told);
  }

  /** From the first call on connections leave as soon as they can. Answers how many left with this call. */
  moveIdle(): number {
    if (this.#drainingSince === null) {
      this.#drainingSince = clock.now();
      setAnswered((connection) => this.#onAnswered(connection));
    }
    return this.#move(allConnections(), Number.POSITIVE_INFINITY);
  }

  /** It will leave by itself, so the client need not be told to close it. */
  willMove(connection: Connection): boolean {
    const since = this.#drainingSince ?? clock.now();
    if (this.#options.transfer === 'unused' || !this.#balancer?.hasSiblings()) return false;
    if (!mayMove(connection) || this.#listenerOf(connection) === undefined) return false;
    return clock.now() - since < PATIENCE_MS;
  }

  /** The drain is over and this process about to end: nothing may come back to it. */
  end(): void {
    this.#ended = true;
  }

  /** The process ends in this turn of its loop: all leaves that could go on elsewhere. Call it once, and nothing else afterwards. */
  rescue(last: LastSends): void {
    for (const { message, handle } of last.unsent) {
      const { cmd = '' } = message as Partial<ToPrimary>;
      // Of a connection whose takeover is not told the primary disposes itself.
      if (handle === undefined && cmd.startsWith('NODE_TUTTI_') && cmd !== 'NODE_TUTTI_ADOPTED')
        last.send(message as ToPrimary);
    }
    // After a drain its clients have been told to leave.
    if (this.#ended) return;
    const kinds = kindsInFlight();
    if (kinds.length > 0) last.send({ cmd: 'NODE_TUTTI_DYING', kinds });
    const unsent = new Set(last.unsent.flatMap(({ message, handle }) => [message, handle]));
    const leave = (client: RawConnection, { listener: { key }, used, head }: Held, to: number | null = null) =>
      last.send(
        { cmd: 'NODE_TUTTI_TRANSFER', key, to, used, held: null, dying: true, ...(head === undefined ? {} : { head }) },
        client,
      );
    for (const [client, held] of this.#unsent) if (unsent.has(client)) leave(client, held);
    for (const [client, held] of this.#adopting) if (!unsent.has(held.answer)) leave(client, held);
    // Looked at before any of them is gone.
    const saved = [...this.#movable(allConnections()), ...this.#replayable()];
    for (const { connection, client, ...held } of saved) {
      const to = this.#balancer?.home(client, true, 0)?.to ?? null;
      detach(connection, client);
      if (!leave(client, held, to)) return;
    }
  }

  *#replayable() {
    if (this.#options.transfer === 'unused') return;
    for (const { connection, head } of replayable(this.#options.replay)) {
      const listener = this.#listening(connection);
      const client = (connection.socket as PrivateSocket)._handle;
      if (listener !== undefined && client !== null) yield { connection, client, listener, used: true, head };
    }
  }

  /** The primary is dead: what has not reached it, and what it has given without an answer, is served here, to the end. */
  abandon(): void {
    this.#balancer = null;
    setAnswered(null);
    this.#unsettled = null;
    // While a handle is on its way Node keeps back everything else: it tells of neither, once the channel is gone.
    const held = [...this.#unsent, ...this.#adopting];
    this.#unsent.clear();
    this.#adopting.clear();
    for (const [client, each] of held) soon(guarded('serving a connection', () => this.#serve(client, each)));
  }

  /** Runs only while there is something to balance: an idle worker sleeps. */
  #keepBalance(): void {
    if (!this.#rebalances || this.#timer !== null) return;
    const balance = guarded('the balance of connections', () => {
      this.#timer = null;
      if (this.#drainingSince !== null || this.#balancer === null || allConnections().size === 0) return;
      this.#rebalance(this.#balancer);
      this.#keepBalance();
    });
    this.#timer = later(REBALANCE_MS, balance).unref();
  }

  #rebalance(balancer: Balancer): void {
    const surplus = balancer.surplus();
    this.#wanted = surplus > 0 ? surplus - this.#move(allConnections(), surplus) : 0;
    // Those that are busy leave after their next answer.
    this.#looks = LOOKS;
    setAnswered(this.#wanted > 0 ? (connection) => this.#onAnswered(connection) : null);
  }

  #onAnswered(connection: Connection): void {
    if (this.#answered.push(connection) > 1) return;
    // In the check phase: Node is done with the answer, and nothing has been read since.
    soon(this.#moveAnswered);
  }

  readonly #moveAnswered = guarded('moving connections', () => {
    const answered = this.#answered;
    this.#answered = [];
    if (this.#drainingSince !== null) {
      this.#move(answered, Number.POSITIVE_INFINITY);
      return;
    }
    this.#wanted -= this.#move(answered, this.#wanted);
    this.#looks -= 1;
    if (this.#looks <= 0 || this.#wanted <= 0) setAnswered(null);
  });

  #move(connections: Iterable<Connection>, most: number): number {
    const balancer = this.#balancer;
    const atMost = Math.min(most, MOST_UNSENT - this.#unsent.size);
    if (balancer === null || atMost <= 0 || !balancer.hasSiblings()) return 0;
    let moved = 0;
    for (const { connection, client, listener, used } of this.#movable(this.#elsewhere(connections))) {
      if (moved >= atMost) break;
      const placement = balancer.home(client, this.#drainingSince !== null, moved);
      if (placement === null) continue;
      moved += 1;
      detach(connection, client);
      this.#send(listener, client, used, placement);
    }
    return moved;
  }

  /** Those that can be moved in this very turn of the loop, under the rules of the application and the operator. */
  *#movable(connections: Iterable<Connection>) {
    for (const connection of movableNow(connections)) {
      const used = isUsed(connection);
      if (used && (this.#options.transfer === 'unused' || hasOwnState(connection))) continue;
      const listener = this.#listening(connection);
      const client = (connection.socket as PrivateSocket)._handle;
      if (listener !== undefined && client !== null) yield { connection, client, listener, used, head: undefined };
    }
  }

  /** Where the connection could go on with a sibling; undefined if nowhere. */
  #listenerOf(connection: Connection): ListenHandle | undefined {
    const listener = this.#listening(connection);
    return listener !== undefined && canPass(listener) ? listener : undefined;
  }

  #listening({ server }: Connection): ListenHandle | undefined {
    return server === null ? undefined : this.#options.listenerOf(server);
  }

  /** Those that a sibling could have and, unless all are to leave, should have: whether one can be moved costs much more to find out. */
  #elsewhere(connections: Iterable<Connection>): Connection[] {
    return [...connections].filter((connection) => {
      if (this.#listenerOf(connection) === undefined) return false;
      if (this.#drainingSince !== null) return true;
      const client = (connection.socket as PrivateSocket)._handle;
      return client !== null && this.#balancer?.home(client, false, 0) != null;
    });
  }

  #send(listener: ListenHandle, client: RawConnection, used: boolean, { to, held }: Placement): void {
    this.#unsettled = 'sent';
    const each = { listener, used, head: undefined };
    this.#unsent.set(client, each);
    const sent = guarded('passing on a connection', (error: Error | null) => {
      if (!this.#unsent.delete(client)) return;
      if (error !== null) return this.#serve(client, each);
      this.counts.sent += 1;
      client.close();
    });
    this.#options.send({ cmd: 'NODE_TUTTI_TRANSFER', key: listener.key, to, used, held }, client, sent);
  }

  #serve(client: RawConnection, { listener, used, head }: Held): HandOver {
    return () => {
      listener.serve(client);
      this.#served(client, used && head === undefined);
      if (head !== undefined) replay(client, head);
    };
  }

  readonly #served = guarded('taking over a connection', (client: RawConnection, used: boolean) => {
    this.#balancer?.changed();
    this.#keepBalance();
    const connection = newestConnection();
    if (used && connection !== null && (connection.socket as PrivateSocket)._handle === client) resume(connection);
  });
}

/** Its connections may go to siblings. */
function canPass(listener: ListenHandle): boolean {
  return !listener.alone && canSendHandles();
}

/** Takes the raw handle out of a socket, which then closes without a word to the client. */
function detach(connection: Connection, client: RawConnection): void {
  const socket = connection.socket as PrivateSocket;
  client.readStop?.();
  client.onread = () => {};
  socket._handle = null;
  socket.setTimeout(0);
  socket.destroy();
  // As if it had closed: no handle is left to tell.
  nextTick(guarded('the count of connections', () => leave(connection)));
}

/** The connection is between two requests, not before its first: Node's timeouts have to know. */
function resume(connection: Connection): void {
  const { server, socket } = connection;
  connection.adopted = true;
  const limits = server as HttpLimits | null;
  if (limits?.keepAliveTimeout === undefined) return;
  const { keepAliveTimeout, keepAliveTimeoutBuffer = KEEP_ALIVE_BUFFER_MS } = limits;
  if (keepAliveTimeout > 0) socket.setTimeout(keepAliveTimeout + keepAliveTimeoutBuffer);
  resumeBetweenRequests(socket);
}

interface HttpLimits extends AnyServer {
  keepAliveTimeout: number;
  keepAliveTimeoutBuffer?: number;
}
