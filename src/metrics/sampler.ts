// Takes a picture once a second for the history and for whoever watches, and another one soon after something happened. Sleeps until it
// is needed: the first scrape of the history, the first watcher, or an admin port that was asked for. Runs in the primary.

import type { Snapshot } from '../supervisor/picture/snapshot.ts';
import type { HistoryView, Recorded } from './history.ts';
import type { Metrics } from './metrics.ts';

export type PictureSample = Recorded & { snapshot: Snapshot };

const everyMs = 1_000;
/** Several events of one moment are one picture. */
const gatherMs = 80;

export class Sampler {
  readonly #metrics: Metrics;
  readonly #snapshot: () => Snapshot;
  readonly #look: () => void;
  readonly #listeners = new Set<(sample: PictureSample) => void>();
  #clock: NodeJS.Timeout | null = null;
  #soon: NodeJS.Timeout | null = null;
  #stopped = false;

  /** `look`: the snapshot knows as much as can be known now. */
  constructor(metrics: Metrics, snapshot: () => Snapshot, look: () => void) {
    this.#metrics = metrics;
    this.#snapshot = snapshot;
    this.#look = look;
  }

  /** From now on the history grows. */
  start(): void {
    if (this.#stopped || this.#clock) return;
    this.#metrics.record(Date.now());
    this.#clock = setInterval(() => this.#tick(), everyMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#clock) clearInterval(this.#clock);
    if (this.#soon) clearTimeout(this.#soon);
    this.#clock = null;
    this.#soon = null;
    this.#listeners.clear();
  }

  /** Something happened that is worth a picture before the next second. */
  happened(): void {
    if (this.#stopped || this.#listeners.size === 0 || this.#soon) return;
    this.#soon = setTimeout(() => {
      this.#soon = null;
      this.#tell({ snapshot: this.#snapshot(), second: null, hour: null, slots: {} });
    }, gatherMs).unref();
  }

  history(): HistoryView {
    this.start();
    return this.#metrics.history();
  }

  /** Calls back with every picture, until the returned function is called. */
  watch(listener: (sample: PictureSample) => void): () => void {
    this.start();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tick(): void {
    this.#look();
    const recorded = this.#metrics.record(Date.now());
    if (this.#listeners.size > 0) this.#tell({ ...recorded, snapshot: this.#snapshot() });
  }

  #tell(sample: PictureSample): void {
    for (const listener of this.#listeners) listener(sample);
  }
}
