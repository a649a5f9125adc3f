// The last minutes by the second and the last hour by ten seconds, for the page: rates, latency percentiles and load of the app, and a
// short line per slot. A bounded ring each, so that a supervisor that runs for years needs no more than one that runs for an hour.
// Pure: the caller brings the time. Runs in the primary.

import type { Snapshot } from '../supervisor/snapshot.ts';
import { type Accumulator, slotLabel } from './accumulator.ts';
import { quantile } from './counters.ts';

export const shortStepMs = 1_000;
export const shortLength = 300;
export const longStepMs = 10_000;
export const longLength = 360;
/** Points that a slot's line keeps. */
export const slotLength = 60;

/** What happened between two points. Latencies are null when no request ended. */
export interface HistoryPoint {
  /** Milliseconds since the epoch, at the end of the step. */
  at: number;
  requestsPerSecond: number;
  errorsPerSecond: number;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  connections: number;
  activeRequests: number;
  /** Of one core: 200 is two cores. */
  cpuPercent: number;
  memoryBytes: number;
  eventLoopUtilization: number;
  ready: number;
  generation: number;
}

export interface SlotPoint {
  requestsPerSecond: number;
  cpuPercent: number;
  memoryBytes: number;
}

/** One slot's last points, oldest first. */
export type SlotLine = { [Key in keyof SlotPoint]: number[] };

/** What one call of record() added: nothing on the first one, the point of the hour every ten seconds. */
export interface Recorded {
  second: HistoryPoint | null;
  hour: HistoryPoint | null;
  slots: Record<string, SlotPoint>;
}

export interface HistoryView {
  schema: 1;
  seconds: { stepMs: number; points: readonly HistoryPoint[] };
  hour: { stepMs: number; points: readonly HistoryPoint[] };
  slots: Record<string, SlotLine>;
}

interface Totals {
  at: number;
  requests: number;
  errors: number;
  bounds: readonly number[];
  latency: number[];
  slots: Map<string, number>;
}

export class History {
  readonly #counts: Accumulator;
  readonly #short: HistoryPoint[] = [];
  readonly #long: HistoryPoint[] = [];
  readonly #slots = new Map<string, SlotLine>();
  #before: Totals | null = null;
  #longBefore: Totals | null = null;

  constructor(counts: Accumulator) {
    this.#counts = counts;
  }

  /** To be called about once a second. The first call only sets the starting line. */
  record(at: number, snapshot: Snapshot): Recorded {
    const now = this.#totals(at);
    const before = this.#before;
    this.#before = now;
    if (!before || at <= before.at) {
      this.#longBefore ??= now;
      return { second: null, hour: null, slots: {} };
    }
    const second = pointBetween(before, now, snapshot);
    push(this.#short, second, shortLength);
    const slots = this.#recordSlots(before, now, snapshot);
    let hour: HistoryPoint | null = null;
    if (this.#longBefore && at - this.#longBefore.at >= longStepMs) {
      hour = pointBetween(this.#longBefore, now, snapshot);
      push(this.#long, hour, longLength);
      this.#longBefore = now;
    }
    return { second, hour, slots };
  }

  view(): HistoryView {
    return {
      schema: 1,
      seconds: { stepMs: shortStepMs, points: this.#short },
      hour: { stepMs: longStepMs, points: this.#long },
      slots: Object.fromEntries(this.#slots),
    };
  }

  #totals(at: number): Totals {
    const totals: Totals = { at, requests: 0, errors: 0, bounds: [], latency: [], slots: new Map() };
    for (const { labels, value } of this.#counts.requests.series()) {
      totals.requests += value;
      if (labels.status === '5xx') totals.errors += value;
      const slot = labels.slot ?? '';
      totals.slots.set(slot, (totals.slots.get(slot) ?? 0) + value);
    }
    for (const histogram of this.#counts.latencies.values()) {
      totals.bounds = histogram.bounds;
      histogram.counts.forEach((count, index) => {
        totals.latency[index] = (totals.latency[index] ?? 0) + count;
      });
    }
    return totals;
  }

  #recordSlots(before: Totals, now: Totals, snapshot: Snapshot): Record<string, SlotPoint> {
    const seconds = (now.at - before.at) / 1000;
    const present = new Set(snapshot.workers.map((worker) => slotLabel(worker.slot)));
    for (const slot of [...this.#slots.keys()]) {
      if (!present.has(slot)) this.#slots.delete(slot);
    }
    const points: Record<string, SlotPoint> = {};
    for (const slot of present) {
      const workers = snapshot.workers.filter((worker) => slotLabel(worker.slot) === slot);
      const point = {
        requestsPerSecond: ((now.slots.get(slot) ?? 0) - (before.slots.get(slot) ?? 0)) / seconds,
        cpuPercent: total(workers.map((worker) => worker.cpuPercent)),
        memoryBytes: total(workers.map((worker) => worker.pssBytes ?? worker.rssBytes)),
      };
      const line = this.#slots.get(slot) ?? { requestsPerSecond: [], cpuPercent: [], memoryBytes: [] };
      this.#slots.set(slot, line);
      push(line.requestsPerSecond, point.requestsPerSecond, slotLength);
      push(line.cpuPercent, point.cpuPercent, slotLength);
      push(line.memoryBytes, point.memoryBytes, slotLength);
      points[slot] = point;
    }
    return points;
  }
}

function pointBetween(before: Totals, now: Totals, snapshot: Snapshot): HistoryPoint {
  const seconds = (now.at - before.at) / 1000;
  const counts = now.latency.map((count, index) => count - (before.latency[index] ?? 0));
  const latency = (q: number) => {
    const value = quantile(now.bounds, counts, q);
    return value === null ? null : value * 1000;
  };
  const serving = snapshot.workers.filter((worker) => worker.state === 'ready' || worker.state === 'suspect');
  return {
    at: now.at,
    requestsPerSecond: (now.requests - before.requests) / seconds,
    errorsPerSecond: (now.errors - before.errors) / seconds,
    p50Ms: latency(0.5),
    p95Ms: latency(0.95),
    p99Ms: latency(0.99),
    connections: total(snapshot.workers.map((worker) => worker.connections)),
    activeRequests: total(snapshot.workers.map((worker) => worker.activeRequests)),
    cpuPercent: total(snapshot.workers.map((worker) => worker.cpuPercent)),
    memoryBytes: total(snapshot.workers.map((worker) => worker.pssBytes ?? worker.rssBytes)),
    eventLoopUtilization:
      serving.length === 0 ? 0 : total(serving.map((one) => one.eventLoopUtilization)) / serving.length,
    ready: snapshot.workers.filter((worker) => worker.state === 'ready').length,
    generation: snapshot.generation,
  };
}

function push<T>(ring: T[], value: T, length: number): void {
  ring.push(value);
  if (ring.length > length) ring.shift();
}

function total(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
