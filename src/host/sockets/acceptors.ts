// Which workers accept from the shared sockets (primary). Idle workers that listen on one socket all wake for one connection, and a
// connection costs a worker that rarely gets one two to three times as much as a warm one. So only those in the lowest slots accept, enough to
// keep every processor busy. The others rest: their server listens, and lasting connections reach them by transfer. In the worker,
// src/worker/connections/worker-data-plane.ts obeys.

import type { RawHandle } from '../../protocol/raw-handle.ts';
import { LATE_MS } from '../../protocol/silence.ts';
import type { DataPlaneWorker } from '../connections/data-plane-worker.ts';
import { cpuAllowance } from '../machine/cgroup.ts';
import { monotonicMs } from '../monotonic.ts';

/** As many keep a processor busy, also while one of them waits. */
const ACCEPTORS_PER_CPU = 2;
/** Never fewer: of those that accept, some may be blocked without having been quiet for long enough that anybody knows. */
const LEAST_ACCEPTORS = 4;
/** Who takes over has accepted for as long before anybody rests. */
const PROVEN_MS = 1000;
/** Where one that accepts is late or had no room, the others accept too, for as long after the last time. */
const HELP_MS = 2000;
/** Signs of life come worker by worker; they are looked at together. */
const LOOK_MS = 250;
/** What a container may use can change while it runs. */
const ASK_CPUS_MS = 10_000;
/** Workers come and go together: what changes within this time is looked at once. */
const CHANGED_MS = 10;

/** The acceptors of one socket. */
export class Acceptors {
  readonly #key: string;
  readonly #handle: RawHandle;
  /** Since when a worker accepts; null: it rests. */
  readonly #since = new Map<DataPlaneWorker, number | null>();

  constructor(key: string, handle: RawHandle) {
    this.#key = key;
    this.#handle = handle;
  }

  /** The worker has no copy any more. */
  forget(worker: DataPlaneWorker): void {
    this.#since.delete(worker);
  }

  /**
   * Makes `count` of the workers that can accept do so, if there are as many. Those that may not rest go on beside them. Answers for how
   * long the one of these that has been silent longest has been so.
   */
  update(holders: Iterable<DataPlaneWorker>, count: number, now: number): number {
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
    if (proven) {
      for (const worker of able.slice(chosen.length)) {
        if (this.#since.get(worker) === null) continue;
        this.#since.set(worker, null);
        worker.send({ cmd: 'NODE_TUTTI_REST', key: this.#key });
      }
    }
    // Where all accept, nobody could help.
    return chosen.length === able.length ? 0 : Math.max(...chosen.map((worker) => worker.silentMs()));
  }
}

export interface AcceptorChoiceOptions {
  /** As many workers accept. Default: as many as keep the processors busy that this process may use. */
  mostAcceptors?: number;
  /** Milliseconds on a clock that no setting moves. */
  now?: () => number;
  /** Makes known which workers have given a sign of life by now, and calls `heard`. */
  lookForSigns(): void;
}

/** A socket from which the workers accept, each for itself, and those that have it. */
interface SharedSocket {
  acceptors: Acceptors | null;
  holders: Iterable<DataPlaneWorker>;
}

/** The same for all sockets, over time. */
export class AcceptorChoice {
  readonly #options: AcceptorChoiceOptions;
  readonly #now: () => number;
  readonly #sockets: () => Iterable<SharedSocket>;
  #helpUntil = Number.NEGATIVE_INFINITY;
  #cpus = 1;
  #askedAt = Number.NEGATIVE_INFINITY;
  #changed: NodeJS.Timeout | null = null;
  #silence: NodeJS.Timeout | null = null;
  #chosenAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: AcceptorChoiceOptions, sockets: () => Iterable<SharedSocket>) {
    this.#options = options;
    this.#now = options.now ?? monotonicMs;
    this.#sockets = sockets;
  }

  /** Some worker may accept from now on, or does not any more. */
  membersChanged(): void {
    if (!this.#closed) this.#changed ??= setTimeout(() => this.#choose(), CHANGED_MS);
  }

  /** Workers gave signs of life; others may not have for too long. */
  heard(): void {
    if (this.#now() - this.#chosenAt >= LOOK_MS) this.#choose();
  }

  /** One of those that accept has no room. */
  full(): void {
    this.#help(this.#now());
  }

  close(): void {
    this.#closed = true;
    if (this.#changed !== null) clearTimeout(this.#changed);
    if (this.#silence !== null) clearTimeout(this.#silence);
  }

  #choose(): void {
    if (this.#changed !== null) clearTimeout(this.#changed);
    this.#changed = null;
    const now = this.#now();
    this.#chosenAt = now;
    const most = now < this.#helpUntil ? Number.POSITIVE_INFINITY : this.#most(now);
    let silentMs = 0;
    for (const { acceptors, holders } of this.#sockets())
      silentMs = Math.max(silentMs, acceptors?.update(holders, most, now) ?? 0);
    if (silentMs > LATE_MS) this.#help(now);
    else if (silentMs > LATE_MS / 2) this.#lookAgain(LATE_MS - silentMs);
  }

  #help(now: number): void {
    const isNew = now >= this.#helpUntil;
    this.#helpUntil = now + HELP_MS;
    if (isNew) this.#choose();
  }

  #lookAgain(inMs: number): void {
    const look = (): void => {
      this.#silence = null;
      this.#options.lookForSigns();
    };
    this.#silence ??= setTimeout(look, Math.max(LOOK_MS, inMs) + 1).unref();
  }

  #most(now: number): number {
    if (now - this.#askedAt >= ASK_CPUS_MS) {
      this.#askedAt = now;
      this.#cpus = cpuAllowance().count;
    }
    return Math.max(LEAST_ACCEPTORS, this.#options.mostAcceptors ?? ACCEPTORS_PER_CPU * this.#cpus);
  }
}
