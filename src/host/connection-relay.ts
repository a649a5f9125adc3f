// Passes connections on to workers and keeps a copy of each until the worker has acknowledged it (primary). A connection goes to
// another worker only when the first refused it or is dead: two readers of one socket would corrupt it, so no timer decides.

import type { ToPrimary } from '../protocol/messages.ts';
import type { RawConnection } from '../protocol/raw-handle.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

export interface RelayOptions {
  /** The workers that have the socket `key`. */
  holders(key: string): Iterable<DataPlaneWorker>;
  /** How many connections the workers say they hold now, by cell. */
  connections(): (cell: number) => number;
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
  refusedBy: Set<number>;
}

type Adopted = Extract<ToPrimary, { cmd: 'NODE_TUTTI_ADOPTED' }>;
type Transfer = Extract<ToPrimary, { cmd: 'NODE_TUTTI_TRANSFER' }>;

export class ConnectionRelay {
  readonly #options: RelayOptions;
  readonly #unacknowledged = new Map<number, Map<number, Offer>>();
  /** Connections that no worker can take now, by socket. */
  readonly #parked = new Map<string, Offer[]>();
  readonly #lastAcknowledged = new Map<number, number>();
  readonly #dead = new WeakSet<DataPlaneWorker>();
  #nextId = 1;
  #acknowledgements = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Round-robin: to the worker that acknowledged longest ago, and at most one at a time to each. */
  dispatch(key: string, client: RawConnection): void {
    const offer = this.#newOffer({ key, client, used: false, from: null, to: null, held: null });
    const parked = this.#parked.get(key);
    if (parked !== undefined) parked.push(offer);
    else if (!this.#offer(offer)) this.#parked.set(key, [offer]);
  }

  /** A worker wants to be rid of a connection: to a sibling, or back to it if there is none that should have it. */
  transfer(from: DataPlaneWorker, { key, used, to, held }: Transfer, client: RawConnection): void {
    const offer = this.#newOffer({ key, client, used, from, to, held });
    if (!this.#offer(offer)) this.#park(offer);
  }

  adopted(worker: DataPlaneWorker, { id, accepted }: Adopted): void {
    const offers = this.#unacknowledged.get(worker.id);
    const offer = offers?.get(id);
    if (offers === undefined || offer === undefined) return;
    offers.delete(id);
    if (offer.from === null) this.#lastAcknowledged.set(worker.id, ++this.#acknowledgements);
    if (accepted) offer.client.close();
    else {
      offer.refusedBy.add(worker.id);
      if (!this.#offer(offer)) this.#park(offer);
    }
    this.pump();
  }

  /** The process is dead and everything it said has been read: what it had not acknowledged goes to others. */
  gone(worker: DataPlaneWorker): void {
    this.#dead.add(worker);
    const offers = [...(this.#unacknowledged.get(worker.id)?.values() ?? [])];
    this.#unacknowledged.delete(worker.id);
    this.#lastAcknowledged.delete(worker.id);
    for (const offer of offers.reverse()) if (!this.#offer(offer)) this.#park(offer);
    this.pump();
  }

  /** To be called when a worker may have become able to take connections. */
  pump(): void {
    for (const [key, offers] of this.#parked) {
      while (offers[0] !== undefined && this.#offer(offers[0])) offers.shift();
      if (offers.length === 0) this.#parked.delete(key);
    }
  }

  /** Refuses what waits for a worker. */
  dropParked(): void {
    for (const offers of this.#parked.values()) for (const { client } of offers) client.close();
    this.#parked.clear();
  }

  close(): void {
    this.dropParked();
    for (const offers of this.#unacknowledged.values()) for (const { client } of offers.values()) client.close();
    this.#unacknowledged.clear();
  }

  #newOffer(offer: Omit<Offer, 'id' | 'refusedBy'>): Offer {
    return { ...offer, id: this.#nextId++, refusedBy: new Set() };
  }

  #park(offer: Offer): void {
    const parked = this.#parked.get(offer.key);
    if (parked === undefined) this.#parked.set(offer.key, [offer]);
    else parked.unshift(offer);
  }

  /** False: nobody can take it now. */
  #offer(offer: Offer): boolean {
    const able: DataPlaneWorker[] = [];
    const willing: DataPlaneWorker[] = [];
    for (const worker of this.#options.holders(offer.key)) {
      if (worker === offer.from || !worker.isAdmitted() || !worker.isFresh()) continue;
      able.push(worker);
      if (!offer.refusedBy.has(worker.id)) willing.push(worker);
    }
    const { from } = offer;
    if (from === null) {
      // Every worker is full: as under plain node, one of them takes it and lets its server decide.
      const must = willing.length === 0;
      const target = this.#leastRecent(must ? able : willing);
      if (target !== null) this.#send(offer, target, { must, back: false });
      return target !== null;
    }
    const target = this.#leastLoaded(offer, willing);
    if (target !== null) this.#send(offer, target, { must: false, back: false });
    else if (!this.#dead.has(from)) this.#send(offer, from, { must: true, back: true });
    else {
      const last = able[0];
      if (last === undefined) return false;
      this.#send(offer, last, { must: true, back: false });
    }
    return true;
  }

  #send(offer: Offer, target: DataPlaneWorker, { must, back }: { must: boolean; back: boolean }): void {
    const { id, key, used, client } = offer;
    let offers = this.#unacknowledged.get(target.id);
    if (offers === undefined) {
      offers = new Map();
      this.#unacknowledged.set(target.id, offers);
    }
    offers.set(id, offer);
    // If it cannot be sent the worker is about to die, and `gone` will say so.
    target.send({ cmd: 'NODE_TUTTI_ADOPT', id, key, used, must, back }, client);
  }

  #leastRecent(workers: DataPlaneWorker[]): DataPlaneWorker | null {
    let best: DataPlaneWorker | null = null;
    let bestAt = Number.POSITIVE_INFINITY;
    for (const worker of workers) {
      if ((this.#unacknowledged.get(worker.id)?.size ?? 0) > 0) continue;
      const at = this.#lastAcknowledged.get(worker.id) ?? 0;
      if (at >= bestAt) continue;
      best = worker;
      bestAt = at;
    }
    return best;
  }

  /** What is on its way to a worker counts like what it holds: all senders meet here, so none of them overruns a target. */
  #leastLoaded({ to, held }: Offer, workers: DataPlaneWorker[]): DataPlaneWorker | null {
    if (workers.length === 0) return null;
    const wanted = to === null ? undefined : workers.find(({ cell }) => cell === to);
    if (wanted !== undefined) return wanted;
    const connections = this.#options.connections();
    let best: DataPlaneWorker | null = null;
    let least = held ?? Number.POSITIVE_INFINITY;
    for (const worker of workers) {
      const onTheWay = this.#unacknowledged.get(worker.id)?.size ?? 0;
      const load = (worker.cell === null ? 0 : connections(worker.cell)) + onTheWay;
      if (load >= least) continue;
      best = worker;
      least = load;
    }
    return best;
  }
}
