// Which workers accept from a listening socket (primary). Idle workers that listen on one socket all wake for one connection, and a
// connection costs a worker that seldom gets one two to three times as much as a warm one. So only as many accept as the load needs;
// the others rest: their server listens, and they get what lasts by transfer.

import type { RawHandle } from '../protocol/raw-handle.ts';
import { inodeOf } from './accept-queue.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

/** Never fewer: of those that accept, some may be blocked without having been quiet for long enough that anybody knows. */
export const LEAST_ACCEPTORS = 4;
/** As soon as that: the next step up when workers that accept go on saying that they are busy. */
const STEP_MS = 10;
/** None of them has said so for as long: half as many will do. */
const HOLD_MS = 2000;
/** A step down that proves wrong doubles the time before the next, up to this. */
const LONGEST_HOLD_MS = 60_000;
/** Who takes over has accepted for as long before anybody rests. */
const PROVEN_MS = 1000;

/** How many workers are to accept. All of them at first; what was not busy for a while is halved, what is busy doubled at once. */
export class AcceptorCount {
  #count = Number.POSITIVE_INFINITY;
  #holdMs = HOLD_MS;
  #changedAt: number;
  #shrunkAt = Number.NEGATIVE_INFINITY;
  #workers = 0;
  readonly #most: number;

  /** More than `most` accept only when those are blocked: where the processors are the limit, more would only cost more. */
  constructor(now: number, most: number) {
    this.#changedAt = now;
    this.#most = Math.max(most, LEAST_ACCEPTORS);
  }

  get count(): number {
    return this.#count;
  }

  /** A worker that accepts has more to do than it should. */
  busy(now: number): void {
    if (now - this.#changedAt < STEP_MS) return;
    if (this.#workers <= this.#most) this.#grow(2 * this.#count, now);
    else if (this.#count <= this.#most) this.#grow(Math.min(2 * this.#count, this.#most), now);
  }

  /** Those that accept are all blocked. */
  stuck(now: number): void {
    this.#grow(Number.POSITIVE_INFINITY, now);
  }

  #grow(count: number, now: number): void {
    if (now - this.#shrunkAt < 2 * this.#holdMs) this.#holdMs = Math.min(2 * this.#holdMs, LONGEST_HOLD_MS);
    this.#shrunkAt = Number.NEGATIVE_INFINITY;
    this.#changedAt = now;
    this.#count = count;
  }

  /** Call it from time to time; `workers`: how many there are. */
  settle(workers: number, now: number): void {
    this.#workers = workers;
    if (workers <= LEAST_ACCEPTORS || this.#count > workers) this.#count = Number.POSITIVE_INFINITY;
    if (workers <= LEAST_ACCEPTORS || this.#count <= LEAST_ACCEPTORS || now - this.#changedAt < this.#holdMs) return;
    this.#count = Math.max(LEAST_ACCEPTORS, Math.ceil(Math.min(this.#count, workers) / 2));
    this.#changedAt = now;
    this.#shrunkAt = now;
  }
}

/** The acceptors of one socket. */
export class Acceptors {
  readonly #key: string;
  readonly #handle: RawHandle;
  /** Under which number the kernel lists the socket; null if it does not. */
  readonly inode: number | null;
  /** Since when a worker accepts; null: it rests. */
  readonly #since = new Map<DataPlaneWorker, number | null>();

  constructor(key: string, handle: RawHandle) {
    this.#key = key;
    this.#handle = handle;
    this.inode = inodeOf(handle);
  }

  /** Some workers rest. */
  get isReduced(): boolean {
    for (const since of this.#since.values()) if (since === null) return true;
    return false;
  }

  /** For how long none of those that accept has given a sign of life. */
  silentMs(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const [worker, since] of this.#since) {
      if (since !== null && worker.isAdmitted()) least = Math.min(least, worker.silentMs());
    }
    return least;
  }

  /** The worker has no copy any more. */
  forget(worker: DataPlaneWorker): void {
    this.#since.delete(worker);
  }

  /** Makes `count` of the workers that can accept do so, if there are as many. Those that may not rest go on beside them. */
  update(holders: Iterable<DataPlaneWorker>, count: number, now: number): void {
    const able = [...holders].filter((worker) => worker.mayRest && worker.isAdmitted() && worker.isFresh());
    able.sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0) || b.id - a.id);
    const chosen = able.slice(0, count);
    let proven = true;
    for (const worker of chosen) {
      const since = this.#since.get(worker);
      if (since === null) worker.send({ cmd: 'NODE_TUTTI_ACCEPT', key: this.#key }, this.#handle);
      if (since == null) this.#since.set(worker, now);
      proven &&= since != null && now - since >= PROVEN_MS;
    }
    if (!proven) return;
    for (const worker of able.slice(chosen.length)) {
      if (this.#since.get(worker) === null) continue;
      this.#since.set(worker, null);
      worker.send({ cmd: 'NODE_TUTTI_REST', key: this.#key });
    }
  }
}
