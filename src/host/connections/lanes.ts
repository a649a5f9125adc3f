// The connections on their way to each worker, and how quickly the workers answer (primary).

import type { RawConnection } from '../../protocol/raw-handle.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

/** A connection on its way to a worker, until the worker has answered. */
export interface Offer {
  readonly id: number;
  readonly key: string;
  readonly client: RawConnection;
  readonly used: boolean;
  /** Who accepted it; null: the primary did (round-robin). */
  readonly from: DataPlaneWorker | null;
  /** The cell that should have it; null: the worker that holds fewest. */
  readonly to: number | null;
  /** How many `from` holds without it. It stays there unless another worker holds fewer; null: it must leave. */
  held: number | null;
  /** Of a request that runs again in the worker that gets it. */
  readonly head: string | undefined;
  readonly refusedBy: Set<number>;
  /** Workers that refused it although everybody else had. */
  readonly deniedBy: Set<number>;
  /** When it was sent to its present worker. */
  sentAt: number;
  /** Its present worker was asked whether it has arrived. */
  isAsked: boolean;
}

/** What is on its way to one worker. */
export interface Lane {
  readonly offers: Map<number, Offer>;
  /** How many transfers may be on their way at once. It doubles with every answer: a blocked worker gets one, a quick one many. */
  window: number;
  answeredAt: number;
  /** The number of its last answer to round-robin; the lowest is next. */
  turn: number;
}

/** Where the window stops growing. Judgement: more would queue in the channel, which carries one handle at a time. */
const MOST_ON_THE_WAY = 64;

export class Lanes {
  readonly #lanes = new Map<number, Lane>();
  #turns = 0;

  of({ id }: DataPlaneWorker): Lane {
    let lane = this.#lanes.get(id);
    if (lane === undefined) {
      lane = { offers: new Map(), window: 1, answeredAt: 0, turn: 0 };
      this.#lanes.set(id, lane);
    }
    return lane;
  }

  find(worker: DataPlaneWorker, id: number): Offer | undefined {
    return this.#lanes.get(worker.id)?.offers.get(id);
  }

  /** The worker has answered `offer`, which is no longer on its way. */
  answered(worker: DataPlaneWorker, offer: Offer, now: number): void {
    const lane = this.of(worker);
    lane.offers.delete(offer.id);
    lane.window = Math.min(lane.window * 2, MOST_ON_THE_WAY);
    lane.answeredAt = now;
    if (offer.from === null) lane.turn = ++this.#turns;
  }

  /** Forgets the worker. Returns what was on its way to it, oldest first. */
  drop({ id }: DataPlaneWorker): Offer[] {
    const offers = [...(this.#lanes.get(id)?.offers.values() ?? [])];
    this.#lanes.delete(id);
    return offers;
  }

  /**
   * Whether something that `sender` has sent may yet come back: it is on its way to another worker, or back as an offer that `sender` can
   * refuse. What returns for good arrives before anything that is sent later.
   */
  isOpenFor(sender: DataPlaneWorker): boolean {
    for (const [id, { offers }] of this.#lanes) {
      for (const { from, held } of offers.values())
        if (from === sender && (id !== sender.id || held !== null)) return true;
    }
    return false;
  }

  close(): void {
    for (const { offers } of this.#lanes.values()) for (const { client } of offers.values()) client.close();
    this.#lanes.clear();
  }
}
