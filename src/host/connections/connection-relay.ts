// Passes connections on to workers and keeps a copy of each until the worker has acknowledged it (primary). A connection goes to
// another worker only when the first refused it or is dead: two readers of one socket would corrupt it, so no timer decides. The
// worker's end of it is src/worker/connections/transfers.ts.

import type { AdoptMode, ToPrimary } from '../../protocol/messages.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import { monotonicMs } from '../monotonic.ts';
import { bestSibling, SLOW_MS } from './best-sibling.ts';
import type { Candidates } from './choice.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';
import { Lanes, type Offer } from './lanes.ts';
import { nextInTurn } from './round-robin.ts';

export interface RelayOptions {
  /** The workers that have the socket `key`. */
  holders(key: string): Iterable<DataPlaneWorker>;
  /** All workers that live. */
  workers(): Iterable<DataPlaneWorker>;
  /** Whether the socket `key` is open, so that a worker may yet come for its connections. */
  isOpen(key: string): boolean;
  /** How many connections the workers say they hold now, by cell. */
  connections(): (cell: number) => number;
  /** When this many wait for a worker, further ones are closed. */
  mostParked: number;
  /** Default: monotonicMs. */
  now?: () => number;
}

type Adopted = Extract<ToPrimary, { cmd: 'NODE_TUTTI_ADOPTED' }>;
type Transfer = Extract<ToPrimary, { cmd: 'NODE_TUTTI_TRANSFER' }>;

/**
 * After this long a worker is asked whether a connection has arrived. A process without a free descriptor loses it, and Node does not tell
 * the sender.
 */
const ASK_MS = 1000;

export class ConnectionRelay {
  readonly #options: RelayOptions;
  readonly #now: () => number;
  readonly #lanes = new Lanes();
  /** Connections that no worker can take now, by socket. */
  readonly #parked = new Map<string, Offer[]>();
  /** Transfers that wait until a worker has answered an earlier offer. */
  #waiting: Offer[] = [];
  #waitingTimer: NodeJS.Timeout | null = null;
  /** Workers that wait until nothing that they sent is left in this process. */
  readonly #settling = new Set<DataPlaneWorker>();
  readonly #dead = new WeakSet<DataPlaneWorker>();
  /** How many connections another worker took over from the one that had accepted them. */
  transferred = 0;
  #nextId = 1;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#now = options.now ?? monotonicMs;
  }

  /** The primary has accepted a connection (round-robin). */
  dispatch(key: string, client: RawConnection): void {
    const offer = this.#newOffer({ key, client, used: false, from: null, to: null, held: null, head: undefined });
    const parked = this.#parked.get(key);
    // Each takes a descriptor, and without free ones the primary could neither fork nor answer an operator.
    if (this.#parkedCount() >= this.#options.mostParked) {
      client.close();
      return;
    }
    if (parked !== undefined) parked.push(offer);
    else if (!this.#offer(offer)) this.#parked.set(key, [offer]);
  }

  /** A worker sends a connection away: to a sibling, or back to it if no sibling should have it. */
  transfer(from: DataPlaneWorker, { key, used, to, held, dying = false, head }: Transfer, client: RawConnection): void {
    if (dying) {
      this.#dead.add(from);
      if (this.#parkedCount() >= this.#options.mostParked) {
        client.close();
        return;
      }
    }
    const offer = this.#newOffer({ key, client, used, from, to, held, head });
    if (!this.#offer(offer)) this.#park(offer);
  }

  adopted(worker: DataPlaneWorker, { id, accepted }: Adopted): void {
    const offer = this.#lanes.find(worker, id);
    if (offer === undefined) return;
    this.#lanes.answered(worker, offer, this.#now());
    if (accepted) {
      offer.client.close();
      if (offer.from !== null && offer.from !== worker) this.transferred += 1;
    } else {
      // Its place with its sender is taken by now, so it returns there only if nobody else has room.
      if (offer.from === worker && offer.held !== null) offer.held = null;
      else offer.refusedBy.add(worker.id);
      if (!this.#offer(offer)) this.#park(offer);
    }
    this.#retry();
    this.pump();
    for (const sender of this.#settling) this.settle(sender);
  }

  /** The worker has answered the ping for `id`, so anything unanswered up to then has not reached it. */
  lost(worker: DataPlaneWorker, id: number): void {
    if (this.#lanes.find(worker, id)?.isAsked) this.adopted(worker, { cmd: 'NODE_TUTTI_ADOPTED', id, accepted: false });
  }

  /** The worker wants to be told when nothing that it sent can come back any more. */
  settle(worker: DataPlaneWorker): void {
    if (this.#lanes.isOpenFor(worker) || this.#waiting.some(({ from }) => from === worker)) {
      this.#settling.add(worker);
      return;
    }
    this.#settling.delete(worker);
    worker.send({ cmd: 'NODE_TUTTI_SETTLED' });
  }

  /** The process is dead and everything it said has been read. What it had not acknowledged goes to others. */
  gone(worker: DataPlaneWorker): void {
    this.#dead.add(worker);
    this.#settling.delete(worker);
    for (const offer of this.#lanes.drop(worker).reverse()) if (!this.#offer(offer)) this.#park(offer);
    this.#retry();
    this.pump();
    for (const sender of this.#settling) this.settle(sender);
  }

  /** Call it when a worker may have become able to take connections. */
  pump(): void {
    for (const [key, offers] of this.#parked) {
      while (offers[0] !== undefined && this.#offer(offers[0])) offers.shift();
      if (offers.length === 0) this.#parked.delete(key);
    }
  }

  /** Call it about once a second. */
  askForLost(): void {
    const before = this.#now() - ASK_MS;
    for (const worker of this.#options.workers()) {
      for (const offer of this.#lanes.of(worker).offers.values()) {
        if (offer.isAsked || offer.sentAt > before) continue;
        offer.isAsked = true;
        worker.send({ cmd: 'NODE_TUTTI_PING', id: offer.id });
      }
    }
  }

  #parkedCount(): number {
    let count = 0;
    for (const offers of this.#parked.values()) count += offers.length;
    return count;
  }

  /** The socket closes. What waits is spread over the workers that have it, even if they are full. */
  handOut(key: string): void {
    const offers = this.#parked.get(key) ?? [];
    this.#parked.delete(key);
    const workers = [...this.#options.holders(key)].filter((worker) => this.#canServe(worker));
    offers.forEach((offer, index) => {
      const target = workers[index % workers.length];
      if (target === undefined) offer.client.close();
      else this.#send(offer, target, 'return');
    });
  }

  /** Closes all connections that wait for a worker. */
  dropParked(): void {
    for (const offers of this.#parked.values()) for (const { client } of offers) client.close();
    this.#parked.clear();
  }

  close(): void {
    this.dropParked();
    if (this.#waitingTimer !== null) clearTimeout(this.#waitingTimer);
    for (const { client } of this.#waiting) client.close();
    this.#waiting = [];
    this.#lanes.close();
  }

  #newOffer(offer: Pick<Offer, 'key' | 'client' | 'used' | 'from' | 'to' | 'held' | 'head'>): Offer {
    return { ...offer, id: this.#nextId++, refusedBy: new Set(), deniedBy: new Set(), sentAt: 0, isAsked: false };
  }

  #park(offer: Offer): void {
    if (!this.#options.isOpen(offer.key)) {
      offer.client.close();
      return;
    }
    const parked = this.#parked.get(offer.key);
    if (parked === undefined) this.#parked.set(offer.key, [offer]);
    else parked.unshift(offer);
  }

  /** False: nobody can take it now. */
  #offer(offer: Offer): boolean {
    const { from } = offer;
    const candidates = this.#candidates(offer);
    const choice =
      from === null
        ? nextInTurn(candidates, this.#lanes)
        : bestSibling(offer, from, candidates, {
            lanes: this.#lanes,
            connections: this.#options.connections,
            now: this.#now(),
            isSenderDead: this.#dead.has(from),
          });
    if (choice === null) return false;
    if (choice === 'wait') this.#wait(offer);
    else this.#send(offer, choice.worker, choice.mode);
    return true;
  }

  #candidates({ key, from, refusedBy }: Offer): Candidates {
    const able: DataPlaneWorker[] = [];
    const willing: DataPlaneWorker[] = [];
    for (const worker of this.#options.holders(key)) {
      if (worker === from || this.#dead.has(worker) || !worker.isAdmitted() || !worker.isFresh()) continue;
      able.push(worker);
      if (!refusedBy.has(worker.id)) willing.push(worker);
    }
    const leaving =
      able.length > 0 ? [] : [...this.#options.holders(key)].filter((each) => each !== from && this.#canServe(each));
    return { able, willing, leaving };
  }

  #canServe(worker: DataPlaneWorker): boolean {
    return (worker.isAdmitted() || worker.isLeaving()) && worker.isFresh() && !this.#dead.has(worker);
  }

  #send(offer: Offer, target: DataPlaneWorker, mode: AdoptMode): void {
    const { id, key, used, client, head } = offer;
    offer.sentAt = this.#now();
    offer.isAsked = false;
    this.#lanes.of(target).offers.set(id, offer);
    // If it cannot be sent, the worker is about to die, and `gone` follows.
    const message = { cmd: 'NODE_TUTTI_ADOPT', id, key, used, mode } as const;
    target.send(head === undefined ? message : { ...message, head }, client);
  }

  #wait(offer: Offer): void {
    this.#waiting.push(offer);
    this.#waitingTimer ??= setTimeout(() => {
      this.#waitingTimer = null;
      this.#retry();
    }, SLOW_MS);
  }

  /** None of these has been sent, so they may go to any worker, or back to their sender. */
  #retry(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const offer of waiting) if (!this.#offer(offer)) this.#park(offer);
  }
}
