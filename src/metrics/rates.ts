// How fast the workers' counts grow. Each report says how far they have grown at its own time, and reports come as they like: two between two
// looks, none, one after a long silence. So growth is spread over the time between a worker's own reports, never over the time between two
// looks alone. Pure: the caller brings the time, in ms of one monotonic clock. Runs in the primary.

import type { WorkerId } from '../supervisor/vocabulary/actions.ts';

/** What was counted; as a flow, each a second. */
export interface Flow {
  requests: number;
  /** Of those, answers with 5xx. */
  errors: number;
  /** Of those, by duration: buckets as LATENCY_BOUNDS_MS says. */
  latency: readonly number[];
}

/** Without a report a worker goes on as it last did for so long; workers report once a second. */
const HOLD_MS = 1_500;
/** Of one that was early, growth is not taken for the rate of so short a time. */
const LEAST_MS = 500;

export const noFlow: Flow = { requests: 0, errors: 0, latency: [] };

interface Source {
  slot: string;
  /** Its growth up to then is told. */
  from: number;
  /** Its last report. */
  at: number;
  growth: Flow | null;
  last: Flow;
  /** Nothing of it is told yet. */
  fresh: boolean;
  ended: boolean;
}

export class Rates {
  readonly #sources = new Map<WorkerId, Source>();
  #lookedAt: number | null = null;

  /** A process that has counted nothing yet. */
  begin(worker: WorkerId, slot: string, at: number): void {
    this.#sources.set(worker, { slot, from: at, at, growth: null, last: noFlow, fresh: true, ended: false });
  }

  /** It counts for this slot from now on. */
  admit(worker: WorkerId, slot: string): void {
    const source = this.#sources.get(worker);
    if (source !== undefined) source.slot = slot;
  }

  /** By so much its counts have grown since its report before. One that is older than that adds what it knows, and moves no time. */
  report(worker: WorkerId, growth: Flow, at: number): void {
    const source = this.#sources.get(worker);
    if (source === undefined) return;
    source.at = Math.max(source.at, at);
    if (this.#lookedAt === null) source.from = source.at;
    else source.growth = source.growth === null ? growth : added(source.growth, growth);
  }

  /** There will be no report any more, but what was reported is told. */
  end(worker: WorkerId): void {
    const source = this.#sources.get(worker);
    if (source === undefined) return;
    source.ended = true;
    if (this.#lookedAt === null) this.#sources.delete(worker);
  }

  /** By slot, how fast the counts grow now. The first look only sets the starting line. */
  look(now: number): Map<string, Flow> {
    const sinceMs = this.#lookedAt === null ? 0 : now - this.#lookedAt;
    this.#lookedAt = now;
    const flows = new Map<string, Flow>();
    for (const [worker, source] of this.#sources) {
      const flow = flowOf(source, sinceMs, now);
      source.from = source.at;
      source.growth = null;
      source.last = flow;
      source.fresh = false;
      if (source.ended) this.#sources.delete(worker);
      const sum = flows.get(source.slot);
      flows.set(source.slot, sum === undefined ? flow : added(sum, flow));
    }
    return flows;
  }
}

function flowOf({ from, at, growth, last, fresh, ended }: Source, sinceMs: number, now: number): Flow {
  if (growth === null) return !ended && now - at <= HOLD_MS ? last : noFlow;
  // Who came or went in this step did not serve all of it, and one took the other's place.
  const leastMs = fresh || ended ? sinceMs : Math.min(sinceMs, LEAST_MS);
  return scaled(growth, 1_000 / Math.max(1, at - from, leastMs));
}

export function added(one: Flow, other: Flow): Flow {
  const length = Math.max(one.latency.length, other.latency.length);
  return {
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
    latency: Array.from({ length }, (_, index) => (one.latency[index] ?? 0) + (other.latency[index] ?? 0)),
  };
}

export function scaled({ requests, errors, latency }: Flow, by: number): Flow {
  return { requests: requests * by, errors: errors * by, latency: latency.map((count) => count * by) };
}
