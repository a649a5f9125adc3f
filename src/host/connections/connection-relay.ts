// Passes connections on to workers and keeps a copy of each until the worker has acknowledged it (primary). A connection goes to
// another worker only when the first refused it or is dead: two readers of one socket would corrupt it, so no timer decides.

import type { AdoptMode, ToPrimary } from '../../protocol/messages.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import { monotonicMs } from '../monotonic.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

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

interface Offer {
  id: number;
  key: string;
  client: RawConnection;
  used: boolean;
  /** Who accepted it; null: the primary did (round-robin). */
  from: DataPlaneWorker | null;
  /** The cell that should have it; null: whoever holds least. */
  to: number | null;
  /** What `from` holds without it; it stays there unless somebody holds less. Null: it must leave. */
  held: number | null;
  /** Of the request that runs again with whoever gets it. */
  head: string | undefined;
  refusedBy: Set<number>;
  /** Who refused it although everybody else had. */
  deniedBy: Set<number>;
  /** When it was sent to the worker that has it now. */
  sentAt: number;
  /** That worker was asked whether it has arrived. */
  isAsked: boolean;
}

/** What is on its way to one worker. */
interface Lane {
  offers: Map<number, Offer>;
  /** How many transfers may be on their way at once. Grows with every answer, so a blocked worker gets one and a quick one many. */
  window: number;
  answeredAt: number;
  /** Counts answers to round-robin. */
  turn: number;
}

type Adopted = Extract<ToPrimary, { cmd: 'NODE_TUTTI_ADOPTED' }>;
type Transfer = Extract<ToPrimary, { cmd: 'NODE_TUTTI_TRANSFER' }>;

const MOST_ON_THE_WAY = 64;
/** A worker that has not answered an offer for as long is busy with something else. What is not sent yet waits no longer either. */
const SLOW_MS = 10;
/** After so long a worker is asked whether what it was sent has arrived: a process without a free descriptor loses it, and Node tells nobody. */
const ASK_MS = 1000;
/** What a worker answered before this time says nothing of how quick it is now. */
const FORGET_MS = 50;
/** More than any worker holds: one that is not on the scoreboard is given what must leave, if nobody else takes it. */
const UNKNOWN_LOAD = 1e9;

export class ConnectionRelay {
  readonly #options: RelayOptions;
  readonly #now: () => number;
  readonly #lanes = new Map<number, Lane>();
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
  #turns = 0;

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
    const lane = this.#lanes.get(worker.id);
    const offer = lane?.offers.get(id);
    if (lane === undefined || offer === undefined) return;
    lane.offers.delete(id);
    lane.window = Math.min(lane.window * 2, MOST_ON_THE_WAY);
    lane.answeredAt = this.#now();
    if (offer.from === null) lane.turn = ++this.#turns;
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
    if (this.#lanes.get(worker.id)?.offers.get(id)?.isAsked)
      this.adopted(worker, { cmd: 'NODE_TUTTI_ADOPTED', id, accepted: false });
  }

  /** The worker wants to know when nothing that it sent can come back to it any more. */
  settle(worker: DataPlaneWorker): void {
    if (this.#isOpenFor(worker)) {
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
    const offers = [...(this.#lanes.get(worker.id)?.offers.values() ?? [])];
    this.#lanes.delete(worker.id);
    for (const offer of offers.reverse()) if (!this.#offer(offer)) this.#park(offer);
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
      for (const offer of this.#lanes.get(worker.id)?.offers.values() ?? []) {
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
    for (const { offers } of this.#lanes.values()) for (const { client } of offers.values()) client.close();
    this.#lanes.clear();
  }

  #newOffer(offer: Pick<Offer, 'key' | 'client' | 'used' | 'from' | 'to' | 'held' | 'head'>): Offer {
    return { ...offer, id: this.#nextId++, refusedBy: new Set(), deniedBy: new Set(), sentAt: 0, isAsked: false };
  }

  /** What is on its way back to its sender, and cannot be refused, is there before anything that is sent to it later. */
  #isOpenFor(sender: DataPlaneWorker): boolean {
    for (const [id, { offers }] of this.#lanes) {
      for (const { from, held } of offers.values())
        if (from === sender && (id !== sender.id || held !== null)) return true;
    }
    return this.#waiting.some(({ from }) => from === sender);
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
    const able: DataPlaneWorker[] = [];
    const willing: DataPlaneWorker[] = [];
    for (const worker of this.#options.holders(offer.key)) {
      if (worker === offer.from || this.#dead.has(worker) || !worker.isAdmitted() || !worker.isFresh()) continue;
      able.push(worker);
      if (!offer.refusedBy.has(worker.id)) willing.push(worker);
    }
    const { from } = offer;
    // When nobody is left but those who drain, one of them has to take it.
    const leaving =
      able.length > 0
        ? []
        : [...this.#options.holders(offer.key)].filter((worker) => worker !== from && this.#canServe(worker));
    if (from === null && able.length === 0) {
      const target = this.#leastRecent(leaving);
      if (target !== null) this.#send(offer, target, 'return');
      return target !== null;
    }
    if (from === null) {
      // Every worker is full: as under plain node, one of them takes it and lets its server decide.
      const mode = willing.length === 0 ? 'must' : 'offer';
      const target = this.#leastRecent(mode === 'must' ? able : willing);
      if (target !== null) this.#send(offer, target, mode);
      return target !== null;
    }
    if (this.#dead.has(from)) offer.held = null;
    const target = this.#bestFor(offer, willing);
    // A dead worker leaves many: they wait in one row, and who does not answer is left alone with what it has.
    if (this.#dead.has(from) && (target === 'wait' || (target === null && willing.length > 0))) return false;
    if (target === 'wait') this.#wait(offer);
    else if (target !== null) this.#send(offer, target, 'offer');
    else if (!this.#dead.has(from) && !offer.refusedBy.has(from.id))
      this.#send(offer, from, offer.held === null ? 'return' : 'offer');
    else {
      // Its sender is gone or about to go: anybody has to take it, now or when there is somebody.
      const last =
        willing[0] ??
        able.find((worker) => !offer.deniedBy.has(worker.id)) ??
        leaving.find((worker) => !offer.refusedBy.has(worker.id));
      if (last === undefined) {
        offer.refusedBy.clear();
        offer.refusedBy.add(from.id);
        offer.deniedBy.clear();
        return false;
      }
      // Every one of them is full: as under plain node, its server decides.
      if (offer.refusedBy.has(last.id)) offer.deniedBy.add(last.id);
      this.#send(offer, last, last.isAdmitted() ? 'must' : 'return');
    }
    return true;
  }

  #canServe(worker: DataPlaneWorker): boolean {
    return (worker.isAdmitted() || worker.isLeaving()) && worker.isFresh() && !this.#dead.has(worker);
  }

  #send(offer: Offer, target: DataPlaneWorker, mode: AdoptMode): void {
    const { id, key, used, client, head } = offer;
    offer.sentAt = this.#now();
    offer.isAsked = false;
    this.#lane(target).offers.set(id, offer);
    // If it cannot be sent the worker is about to die, and `gone` will say so.
    const message = { cmd: 'NODE_TUTTI_ADOPT', id, key, used, mode } as const;
    target.send(head === undefined ? message : { ...message, head }, client);
  }

  #lane({ id }: DataPlaneWorker): Lane {
    let lane = this.#lanes.get(id);
    if (lane === undefined) {
      lane = { offers: new Map(), window: 1, answeredAt: 0, turn: 0 };
      this.#lanes.set(id, lane);
    }
    return lane;
  }

  #leastRecent(workers: DataPlaneWorker[]): DataPlaneWorker | null {
    let best: DataPlaneWorker | null = null;
    let bestTurn = Number.POSITIVE_INFINITY;
    for (const worker of workers) {
      const { offers, turn } = this.#lane(worker);
      if (offers.size > 0 || turn >= bestTurn) continue;
      best = worker;
      bestTurn = turn;
    }
    return best;
  }

  /** Null: nobody should have it but its sender. `wait`: somebody should, but has to answer first. */
  #bestFor(offer: Offer, workers: DataPlaneWorker[]): DataPlaneWorker | 'wait' | null {
    if (workers.length === 0) return null;
    const { from, to, held } = offer;
    const wanted = to === null ? undefined : workers.find(({ cell }) => cell === to);
    if (wanted !== undefined) return wanted;
    const connections = this.#options.connections();
    // What is on its way to a worker counts like what it holds: all senders meet here, so none of them overruns a target.
    const load = (worker: DataPlaneWorker): number =>
      (worker.cell === null ? UNKNOWN_LOAD : connections(worker.cell)) + this.#lane(worker).offers.size;
    // What the sender said may be old by now.
    let least = held === null || from === null ? Number.POSITIVE_INFINITY : Math.max(held, load(from));
    let best: DataPlaneWorker | 'wait' | null = null;
    let slow: 'wait' | null = null;
    const now = this.#now();
    for (const worker of workers) {
      const lane = this.#lane(worker);
      const [oldest] = lane.offers.values();
      if (oldest !== undefined && now - oldest.sentAt > SLOW_MS) {
        // Better late than closed: its sender has no room, and one who is slow may have some.
        if (held === null && from?.isAdmitted() === true) slow = 'wait';
        continue;
      }
      if (oldest === undefined && now - lane.answeredAt > FORGET_MS) lane.window = 1;
      const itsLoad = load(worker);
      if (itsLoad >= least) continue;
      if (lane.offers.size < lane.window) {
        best = worker;
        least = itsLoad;
      } else best ??= 'wait';
    }
    return best ?? slow;
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
