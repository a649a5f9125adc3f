// Passes connections on to workers and keeps a copy of each until the worker has acknowledged it (primary). A connection goes to
// another worker only when the first refused it or is dead: two readers of one socket would corrupt it, so no timer decides.

import type { ToPrimary } from '../protocol/messages.ts';
import type { RawConnection } from '../protocol/raw-handle.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

export interface RelayOptions {
  /** The workers that have the socket `key`. */
  holders(key: string): Iterable<DataPlaneWorker>;
}

interface Offer {
  id: number;
  key: string;
  client: RawConnection;
  used: boolean;
  refusedBy: Set<number>;
}

type Adopted = Extract<ToPrimary, { cmd: 'NODE_TUTTI_ADOPTED' }>;

export class ConnectionRelay {
  readonly #options: RelayOptions;
  readonly #unacknowledged = new Map<number, Map<number, Offer>>();
  /** Connections that no worker can take now, by socket. */
  readonly #parked = new Map<string, Offer[]>();
  readonly #lastAcknowledged = new Map<number, number>();
  #nextId = 1;
  #acknowledgements = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Round-robin: to the worker that acknowledged longest ago, and at most one at a time to each. */
  dispatch(key: string, client: RawConnection): void {
    const offer = { id: this.#nextId++, key, client, used: false, refusedBy: new Set<number>() };
    const parked = this.#parked.get(key);
    if (parked !== undefined) parked.push(offer);
    else if (!this.#offer(offer)) this.#parked.set(key, [offer]);
  }

  adopted(worker: DataPlaneWorker, { id, accepted }: Adopted): void {
    const offers = this.#unacknowledged.get(worker.id);
    const offer = offers?.get(id);
    if (offers === undefined || offer === undefined) return;
    offers.delete(id);
    this.#lastAcknowledged.set(worker.id, ++this.#acknowledgements);
    if (accepted) offer.client.close();
    else {
      offer.refusedBy.add(worker.id);
      this.#again(offer);
    }
    this.pump();
  }

  /** The process is dead and everything it said has been read: what it had not acknowledged goes to others. */
  gone(worker: DataPlaneWorker): void {
    const offers = [...(this.#unacknowledged.get(worker.id)?.values() ?? [])];
    this.#unacknowledged.delete(worker.id);
    this.#lastAcknowledged.delete(worker.id);
    for (const offer of offers.reverse()) this.#again(offer);
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

  #again(offer: Offer): void {
    if (this.#offer(offer)) return;
    const parked = this.#parked.get(offer.key);
    if (parked === undefined) this.#parked.set(offer.key, [offer]);
    else parked.unshift(offer);
  }

  /** False: nobody can take it now. */
  #offer(offer: Offer): boolean {
    const able = [...this.#options.holders(offer.key)].filter((worker) => worker.isAdmitted() && worker.isFresh());
    const willing = able.filter(({ id }) => !offer.refusedBy.has(id));
    // Every worker is full: as under plain node, one of them takes it and lets its server decide.
    const must = willing.length === 0 && able.length > 0;
    const target = this.#leastRecent(must ? able : willing);
    if (target === null) return false;
    const offers = this.#unacknowledged.get(target.id) ?? new Map<number, Offer>();
    this.#unacknowledged.set(target.id, offers);
    offers.set(offer.id, offer);
    const { id, key, used, client } = offer;
    // If it cannot be sent the worker is about to die, and `gone` will say so.
    target.send({ cmd: 'NODE_TUTTI_ADOPT', id, key, used, must }, client);
    return true;
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
}
