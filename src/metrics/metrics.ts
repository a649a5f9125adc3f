// The door of this room: one object that the composition root feeds with everything the core is told and decides, and that admin asks
// for the page of metrics and for the history. Runs in the primary.

import type { RequestCounts } from '../protocol/messages.ts';
import type { Snapshot } from '../supervisor/picture/snapshot.ts';
import type { Action, WorkerId } from '../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';
import type { SupervisorInput } from '../supervisor/vocabulary/inputs.ts';
import { Accumulator } from './accumulator.ts';
import type { Collected } from './app-metrics.ts';
import type { SavedCounts } from './counters.ts';
import { type Exposition, type MetricsFormat, writeExposition } from './exposition.ts';
import { History, type HistoryView, type Recorded } from './history.ts';
import { type ContainerUsage, type OwnUsage, sampleFamilies } from './samples.ts';

export interface MetricsSources {
  /** Monotonic milliseconds. */
  now(): number;
  /** What the workers have counted by now, of those that can be looked at: more than their last reports knew. */
  requestCounts(): Iterable<{ worker: WorkerId; counts: RequestCounts }>;
  snapshot(): Snapshot;
  /** The supervisor's own use of the machine. */
  ownUsage(): OwnUsage;
  /** The application's own metrics, merged over all workers, and who did not answer. */
  appMetrics?(): Promise<Collected>;
}

export class Metrics {
  readonly #counts = new Accumulator();
  readonly #history = new History(this.#counts.rates);
  readonly #sources: MetricsSources;
  readonly #scrapes = new Map<MetricsFormat, Promise<Exposition>>();

  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  /** Every input, before or after the core has seen it. */
  input(input: SupervisorInput): void {
    this.#counts.input(input, this.#sources.now());
  }

  /** Every action of the core, its reports included. */
  action(action: Action): void {
    this.#counts.action(action, this.#sources.now());
  }

  /** An event that is no report of the core: those come as its actions. */
  event(event: SupervisorEvent): void {
    this.#counts.event(event);
  }

  /** All that was counted, as of now, for the supervisor that goes on counting. */
  save(): SavedCounts {
    this.#catchUp();
    return this.#counts.save();
  }

  restore(saved: SavedCounts): void {
    this.#counts.restore(saved);
  }

  /** The page of metrics. Who asks while it is written gets the same. */
  scrape(format: MetricsFormat): Promise<Exposition> {
    const under = this.#scrapes.get(format);
    if (under !== undefined) return under;
    const scrape = this.#scrape(format).finally(() => this.#scrapes.delete(format));
    this.#scrapes.set(format, scrape);
    return scrape;
  }

  async #scrape(format: MetricsFormat): Promise<Exposition> {
    const app = (await this.#sources.appMetrics?.()) ?? { metrics: [], silent: [], leftOut: 0 };
    this.#catchUp();
    return writeExposition(
      sampleFamilies(this.#counts, this.#sources.snapshot(), this.#sources.ownUsage(), app),
      app.metrics,
      format,
    );
  }

  /** To be called about once a second, with the time since the epoch. */
  record(wallMs: number): Recorded {
    const monotonicMs = this.#catchUp();
    return this.#history.record({ wallMs, monotonicMs }, this.#sources.snapshot());
  }

  history(): HistoryView {
    return this.#history.view();
  }

  /** Takes the counts as of now, and says when that is. */
  #catchUp(): number {
    const now = this.#sources.now();
    for (const { worker, counts } of this.#sources.requestCounts()) this.#counts.counted(worker, counts, now);
    return now;
  }
}

/**
 * Measures what this process itself uses. What cannot be read now – with a full table of descriptors nothing in /proc can – is as it was
 * the last time.
 */
export function ownUsageMeter(container: () => ContainerUsage): () => OwnUsage {
  let usage: OwnUsage = { cpuUserSeconds: 0, cpuSystemSeconds: 0, residentBytes: 0 };
  return () => {
    try {
      const { user, system } = process.cpuUsage();
      usage = { ...usage, cpuUserSeconds: user / 1e6, cpuSystemSeconds: system / 1e6 };
      usage = { ...usage, residentBytes: process.memoryUsage.rss() };
      usage = { ...usage, container: container() };
    } catch {
      // The last one has to do.
    }
    return usage;
  };
}
