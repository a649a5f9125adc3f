// Decides from time to time how many workers accept from the shared sockets (primary): as few as the load needs, more when those say
// that they are busy, all when they are blocked.

import { availableParallelism } from 'node:os';
import { AcceptQueueWatch } from './accept-queue.ts';
import { AcceptorCount, type Acceptors } from './acceptors.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

export interface AcceptorChoiceOptions {
  /** More workers than that accept only while these are blocked. Default: as many as keep the processors busy. */
  mostAcceptors?: number;
  /** Makes known which workers have given a sign of life by now, and calls `heard`. */
  lookForSigns(): void;
}

/** A socket from which the workers accept, each for itself, and those that have it. */
interface SharedSocket {
  acceptors: Acceptors | null;
  holders: Iterable<DataPlaneWorker>;
}

/** Workers come and go together: what changes within this time is looked at once. */
const CHANGED_MS = 10;
/** How often it is looked for workers that give no sign of life any more, and whether fewer would do. */
const LOOK_MS = 250;
/** Workers give a sign of life once a second: if none of those that accept has for as long, they may all be blocked. */
const SILENT_MS = 1100;
/** As many keep a processor busy, also while one of them waits. */
const ACCEPTORS_PER_CORE = 2;

export class AcceptorChoice {
  readonly #options: AcceptorChoiceOptions;
  readonly #sockets: () => Iterable<SharedSocket>;
  readonly #count: AcceptorCount;
  readonly #queues = new AcceptQueueWatch(
    () => this.#silent().inodes,
    () => this.#stuck(),
  );
  #changed: NodeJS.Timeout | null = null;
  #silence: NodeJS.Timeout | null = null;
  #heardAt = 0;
  #closed = false;

  constructor(options: AcceptorChoiceOptions, sockets: () => Iterable<SharedSocket>) {
    this.#options = options;
    this.#sockets = sockets;
    const { mostAcceptors = ACCEPTORS_PER_CORE * availableParallelism() } = options;
    this.#count = new AcceptorCount(performance.now(), mostAcceptors);
  }

  /** Some worker may accept from now on, or does not any more. */
  membersChanged(): void {
    if (!this.#closed) this.#changed ??= setTimeout(() => this.#choose(), CHANGED_MS);
  }

  /** Workers gave signs of life; others may not have for too long. `workers`: how many there are. */
  heard(workers: number): void {
    const now = performance.now();
    if (now - this.#heardAt < LOOK_MS) return;
    this.#heardAt = now;
    this.#count.settle(workers, now);
    this.#choose();
    this.#lookForSilence();
  }

  /** Those who accept have too much to do. */
  busy(): void {
    this.#count.busy(performance.now());
    this.#choose();
  }

  close(): void {
    this.#closed = true;
    if (this.#changed !== null) clearTimeout(this.#changed);
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#queues.close();
  }

  #stuck(): void {
    this.#count.stuck(performance.now());
    this.#choose();
  }

  #choose(): void {
    if (this.#changed !== null) clearTimeout(this.#changed);
    this.#changed = null;
    const now = performance.now();
    for (const { acceptors, holders } of this.#sockets()) acceptors?.update(holders, this.#count.count, now);
  }

  /** The kernel's queues are not looked at without need: that takes it milliseconds. */
  #lookForSilence(): void {
    const { longestMs } = this.#silent();
    if (longestMs > SILENT_MS) this.#queues.look();
    else if (longestMs > SILENT_MS / 2) {
      const againMs = Math.max(LOOK_MS, SILENT_MS - longestMs) + 1;
      this.#silence ??= setTimeout(() => {
        this.#silence = null;
        this.#options.lookForSigns();
      }, againMs).unref();
    }
  }

  /** Where some workers rest: for how long none that accepts has spoken, and the sockets from which nobody may accept now. */
  #silent(): { longestMs: number; inodes: Set<number> } {
    let longestMs = 0;
    const inodes = new Set<number>();
    for (const { acceptors } of this.#sockets()) {
      if (!acceptors?.isReduced) continue;
      const silentMs = acceptors.silentMs();
      longestMs = Math.max(longestMs, silentMs);
      // The number under which the kernel lists the socket.
      if (silentMs > SILENT_MS && acceptors.inode !== null) inodes.add(acceptors.inode);
    }
    return { longestMs, inodes };
  }
}
