// Decides when connections leave for a sibling, and sends them through the primary. A connection leaves as a raw handle of which no byte is
// read any more; whoever gets it goes on as if it had accepted it. Runs in the worker; the primary's end of it is
// src/host/connections/connection-relay.ts.

import { type Balance, spreadsByTransfer } from '../../protocol/balance.ts';
import type { BootInfo, DataToWorker } from '../../protocol/messages.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import type { Balancer, Placement } from '../balance/balancer.ts';
import { balancerFor } from '../balance/balancer-for.ts';
import { canSendHandles } from '../channel.ts';
import * as clock from '../clock.ts';
import { failed, guarded, later, soon } from '../guard.ts';
import type { ListenHandle } from '../listen/listen-handle.ts';
import { setAnswered } from '../report/requests.ts';
import type { ScoreboardSeat } from '../report/scoreboard-seat.ts';
import { Adoptions, type Held } from './adoptions.ts';
import { allConnections, type Connection, whenLost } from './connections.ts';
import type { Send } from './data-plane.ts';
import type { LastSends } from './last-sends.ts';
import { mayMove } from './movable.ts';
import { detach, rawOf } from './raw-connection.ts';
import { rescue, sendKeptBack } from './rescue.ts';
import { listenerOf, type TransferRules, transferableNow } from './transferable.ts';

type Adopt = Extract<DataToWorker, { cmd: 'NODE_TUTTI_ADOPT' }>;

export interface TransfersOptions extends TransferRules {
  balance: Balance;
  replay: BootInfo['replay'];
  /** Null: connections stay where the kernel put them. */
  seat: ScoreboardSeat | null;
  send: Send;
}

/** An uneven burst moves at the second look, because only a lasting surplus counts. */
const REBALANCE_MS = 400;
/**
 * How often connections are looked at after an answer until the next rebalancing. A look costs as much as a request, and clients that send
 * the next request at once are never found between two. Clients that pause are found at the first look.
 */
const LOOKS = 20;
/** The most connections on their way out at once: the channel carries one handle at a time, and everything else too. */
const MOST_UNSENT = 128;
/** After this part of a drain, the client of a connection that was never idle is told to close it. */
const PATIENCE_MS = 2000;
/** After nobody had room for a full server's connection, the server closes further ones for this long, as under plain node. */
const FULL_MS = 50;

export class Transfers {
  readonly #options: TransfersOptions;
  /** Handles that have not left this process yet. */
  readonly #unsent = new Map<RawConnection, Held>();
  readonly #adoptions: Adoptions;
  #sent = 0;
  /** Null without a seat, and after the death of the primary. */
  #balancer: Balancer | null = null;
  /** How many more should leave as soon as they are idle. While draining, all should. */
  #wanted = 0;
  #drainingSince: number | null = null;
  #answered: Connection[] = [];
  #looks = 0;
  #ended = false;
  /** `asked`: the primary was asked whether everything has arrived, and nothing was sent since. */
  #unsettled: 'sent' | 'asked' | null = null;
  readonly #rebalances: boolean;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: TransfersOptions) {
    this.#options = options;
    this.#rebalances = spreadsByTransfer(options.balance);
    this.#adoptions = new Adoptions({
      send: options.send,
      taken: () => this.#balancer?.write(),
      served: () => {
        this.#balancer?.changed();
        this.#keepBalance();
      },
    });
    if (options.seat === null) return;
    this.#balancer = balancerFor(
      options.balance,
      options.seat,
      () => allConnections().size + this.#adoptions.size,
      () => this.#unsent.size,
      (address) => options.send({ cmd: 'NODE_TUTTI_CLIENTS', address }),
    );
    whenLost(() => this.#balancer?.closed());
  }

  get counts(): { sent: number; adopted: number; refused: number } {
    return { sent: this.#sent, ...this.#adoptions.counts };
  }

  get leaving(): number {
    return this.#unsent.size + this.#adoptions.size;
  }

  /** Whether something that was sent may still come back. Asks the primary when nothing else is left. */
  isUnsettled(): boolean {
    if (this.#unsettled === 'sent' && this.leaving === 0) {
      this.#unsettled = 'asked';
      this.#options.send({ cmd: 'NODE_TUTTI_SETTLE' });
    }
    return this.#unsettled !== null;
  }

  /** The primary may have sent a connection here before it learned that nothing is accepted any more. It goes back. */
  mayGet(): void {
    this.#unsettled = 'sent';
  }

  settled(): void {
    if (this.#unsettled === 'asked') this.#unsettled = null;
  }

  /** Taken over, and not given to a server yet. */
  get adopting(): number {
    return this.#adoptions.size;
  }

  /** From now on siblings may send connections to this worker; null: no longer. */
  setSlot(slot: number | null): void {
    this.#balancer?.setSlot(slot);
  }

  /** A connection was accepted here. It is served here, or sent to where it should be. `isFull`: its server would close it. */
  accept(listener: ListenHandle, client: RawConnection, isFull: boolean): void {
    const placement = canPass(listener) ? this.#place(client, isFull) : null;
    if (placement === null) listener.serve(client);
    else this.#send(listener, client, false, placement);
  }

  /** Never throws: a connection that cannot be placed is served here. */
  #place(client: RawConnection, isFull: boolean): Placement | null {
    try {
      const now = clock.now();
      const mustLeave = isFull && now - this.#adoptions.noRoomAt > FULL_MS;
      const placement = this.#balancer?.place(client, now, mustLeave) ?? null;
      this.#keepBalance();
      return placement;
    } catch (error) {
      failed('placing a connection', error);
      return null;
    }
  }

  /** Takes over a connection that the primary sends, or refuses it. */
  adopt(message: Adopt, listener: ListenHandle | undefined, isFull: boolean, client: RawConnection): void {
    this.#adoptions.adopt(message, listener, isFull, client);
  }

  /** From the first call on, connections leave as soon as they can. Returns how many left with this call. */
  moveIdle(): number {
    if (this.#drainingSince === null) {
      this.#drainingSince = clock.now();
      this.#adoptions.drain();
      setAnswered((connection) => this.#onAnswered(connection));
    }
    return this.#move(allConnections(), Number.POSITIVE_INFINITY);
  }

  /** Whether it will leave by itself, so that its client need not be told to close it. */
  willMove(connection: Connection): boolean {
    const since = this.#drainingSince ?? clock.now();
    if (this.#options.transfer === 'unused' || !this.#balancer?.hasSiblings()) return false;
    if (!mayMove(connection) || this.#listenerOf(connection) === undefined) return false;
    return clock.now() - since < PATIENCE_MS;
  }

  /** The drain is over and this process is about to end: nothing may come back to it. */
  end(): void {
    this.#ended = true;
    this.#adoptions.end();
  }

  /** The process ends in this turn of its loop: all connections leave that could go on elsewhere. Must be the last call. */
  rescue(last: LastSends): void {
    sendKeptBack(last);
    // After a drain its clients have been told to leave.
    if (this.#ended) return;
    rescue(last, {
      rules: this.#options,
      replay: this.#options.replay,
      unsent: this.#unsent,
      adopting: this.#adoptions.all(),
      homeOf: (client) => this.#balancer?.home(client, true, 0)?.to ?? null,
    });
  }

  /** The primary is dead. Connections that have not reached it, and those whose takeover it did not learn of, are served here. */
  abandon(): void {
    this.#balancer = null;
    setAnswered(null);
    this.#unsettled = null;
    // While a handle is on its way, Node queues everything else. Once the channel is gone, it calls back for neither.
    const held = [...this.#unsent, ...this.#adoptions.drop()];
    this.#unsent.clear();
    for (const [client, each] of held) soon(guarded('serving a connection', () => this.#adoptions.serve(client, each)));
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
    // Busy connections leave after their next answer.
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
    for (const { connection, client, listener, used } of transferableNow(this.#elsewhere(connections), this.#options)) {
      if (moved >= atMost) break;
      const placement = balancer.home(client, this.#drainingSince !== null, moved);
      if (placement === null) continue;
      moved += 1;
      detach(connection, client);
      this.#send(listener, client, used, placement);
    }
    return moved;
  }

  /** The listener with which a sibling could go on; undefined if none could. */
  #listenerOf(connection: Connection): ListenHandle | undefined {
    const listener = listenerOf(connection, this.#options);
    return listener !== undefined && canPass(listener) ? listener : undefined;
  }

  /** Those that a sibling could have and, unless all leave, should have. This is cheap; whether they can move now is not. */
  #elsewhere(connections: Iterable<Connection>): Connection[] {
    return [...connections].filter((connection) => {
      if (this.#listenerOf(connection) === undefined) return false;
      if (this.#drainingSince !== null) return true;
      const client = rawOf(connection);
      return client !== null && this.#balancer?.home(client, false, 0) != null;
    });
  }

  #send(listener: ListenHandle, client: RawConnection, used: boolean, { to, held }: Placement): void {
    this.#unsettled = 'sent';
    const each = { listener, used, head: undefined };
    this.#unsent.set(client, each);
    const sent = guarded('passing on a connection', (error: Error | null) => {
      if (!this.#unsent.delete(client)) return;
      if (error !== null) return this.#adoptions.serve(client, each);
      this.#sent += 1;
      client.close();
    });
    this.#options.send({ cmd: 'NODE_TUTTI_TRANSFER', key: listener.key, to, used, held }, client, sent);
  }
}

/** Whether its connections may go to siblings. */
function canPass(listener: ListenHandle): boolean {
  return !listener.alone && canSendHandles();
}
