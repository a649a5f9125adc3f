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
  /** Somebody may yet come who takes connections of the socket `key`. */
  isOpen(key: string): boolean;
  /** How many connections the workers say they hold now, by cell. */
  connections(): (cell: number) => number;
  /** Beyond this many that wait for a worker, what `round-robin` accepted is closed. */
  mostParked: number;
  /** Default: monotonicMs. */
  now?: () => number;
}

type Adopted = Extract<ToPrimary, { cmd: 'NODE_TUTTI_ADOPTED' }>;
type Transfer = Extract<ToPrimary, { cmd: 'NODE_TUTTI_TRANSFER' }>;

/** After so long a worker is asked whether what it was sent has arrived: a process without a free descriptor loses it, and Node tells nobody. */
const ASK_MS = 1000;

export class ConnectionRelay {
  readonly #options: RelayOptions;
  readonly #now: () => number;
  readonly #lanes = new Lanes();
  /** Connections that no worker can take now, by socket. */
  readonly #parked = new Map<string, Offer[]>();
  /** Transfers that wait for an answer of a worker, to be the next on the way to it. */
  #waiting: Offer[] = [];
  #waitingTimer: NodeJS.Timeout | null = null;
  /** They wait until nothing that they sent is with this process. */
  readonly #settling = new Set<DataPlaneWorker>();
  readonly #dead = new WeakSet<DataPlaneWorker>();
  /** How many connections another worker took over from the one that had accepted them. */
  transferred = 0;
  #nextId = 1;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#now = options.now ?? monotonicMs;
  }

  /** Round-robin: to the worker that acknowledged longest ago, and at most one at a time to each. */
  dispatch(key: string, client: RawConnection): void {
    const offer = this.#newOffer({ key, client, used: false, from: null, to: null, held: null, head: undefined });
    const parked = this.#parked.get(key);
    // A connection takes a descriptor here, and without one the primary could neither fork nor answer an operator.
    if (this.#parkedCount() >= this.#options.mostParked) {
      client.close();
      return;
    }
    if (parked !== undefined) parked.push(offer);
    else if (!this.#offer(offer)) this.#parked.set(key, [offer]);
  }

  /** A worker wants to be rid of a connection: to a sibling, or back to it if there is none that should have it. */
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
      // Its place with its sender is taken by now: it comes back there only if nobody else has room.
      if (offer.from === worker && offer.held !== null) offer.held = null;
      else offer.refusedBy.add(worker.id);
      if (!this.#offer(offer)) this.#park(offer);
    }
    this.#retry();
    this.pump();
    for (const sender of this.#settling) this.settle(sender);
  }

  /** The worker has answered all that has reached it before `id` was asked for. */
  lost(worker: DataPlaneWorker, id: number): void {
    if (this.#lanes.find(worker, id)?.isAsked) this.adopted(worker, { cmd: 'NODE_TUTTI_ADOPTED', id, accepted: false });
  }

  /** The worker wants to know when nothing that it sent can come back to it any more. */
  settle(worker: DataPlaneWorker): void {
    if (this.#lanes.isOpenFor(worker) || this.#waiting.some(({ from }) => from === worker)) {
      this.#settling.add(worker);
      return;
    }
    this.#settling.delete(worker);
    worker.send({ cmd: 'NODE_TUTTI_SETTLED' });
  }

  /** The process is dead and everything it said has been read: what it had not acknowledged goes to others. */
  gone(worker: DataPlaneWorker): void {
    this.#dead.add(worker);
    this.#settling.delete(worker);
    for (const offer of this.#lanes.drop(worker).reverse()) if (!this.#offer(offer)) this.#park(offer);
    this.#retry();
    this.pump();
    for (const sender of this.#settling) this.settle(sender);
  }

  /** To be called when a worker may have become able to take connections. */
  pump(): void {
    for (const [key, offers] of this.#parked) {
      while (offers[0] !== undefined && this.#offer(offers[0])) offers.shift();
      if (offers.length === 0) this.#parked.delete(key);
    }
  }

  /** To be called from time to time. */
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

  /** The socket closes: what waits goes to those who have it now, however much each of them gets. */
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

  /** Refuses what waits for a worker. */
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
    // If it cannot be sent the worker is about to die, and `gone` will say so.
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

  /** Nothing of these has been sent, so they may be given to anybody, also back to their sender. */
  #retry(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const offer of waiting) if (!this.#offer(offer)) this.#park(offer);
  }
}
