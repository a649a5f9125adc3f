// The last minutes by the second and the last hour by ten seconds, for the page: rates, latency percentiles and load of the app, and a
// short line per slot. A bounded ring each, so that a supervisor that runs for years needs no more than one that runs for an hour.
// Pure: the caller brings the time. Runs in the primary.

import { LATENCY_BOUNDS_MS } from '../protocol/messages.ts';
import type { Snapshot } from '../supervisor/picture/snapshot.ts';
import { slotLabel } from './accumulator.ts';
import { quantile } from './counters.ts';
import { added, type Flow, noFlow, type Rates, scaled } from './rates.ts';

export const shortStepMs = 1_000;
export const shortLength = 300;
export const longStepMs = 10_000;
export const longLength = 360;
/** Points that a slot's line keeps. */
export const slotLength = 60;

/** What happened between two points. Latencies are null when no request ended. Connections, requests in flight and memory are as of its end. */
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

/** The same instant on both clocks: that of the machine may be set, the other only runs. */
export interface Instant {
  /** Milliseconds since the epoch. */
  wallMs: number;
  monotonicMs: number;
}

/** What is to become one point. */
interface Step {
  ms: number;
  /** Of the whole step, not a second. */
  counted: Flow;
  cpuPercent: number;
  eventLoopUtilization: number;
}

export class History {
  readonly #rates: Rates;
  readonly #short: HistoryPoint[] = [];
  readonly #long: HistoryPoint[] = [];
  readonly #slots = new Map<string, SlotLine>();
  #before: number | null = null;
  #longStep: Step | null = null;

  constructor(rates: Rates) {
    this.#rates = rates;
  }

  /** To be called about once a second. The first call only sets the starting line. */
  record({ wallMs, monotonicMs }: Instant, snapshot: Snapshot): Recorded {
    const before = this.#before;
    if (before !== null && monotonicMs <= before) return nothing;
    this.#before = monotonicMs;
    const flows = this.#rates.look(monotonicMs);
    if (before === null) return nothing;
    const step = stepOf(monotonicMs - before, [...flows.values()].reduce(added, noFlow), snapshot);
    const second = pointOf(step, wallMs, snapshot);
    pushPoint(this.#short, second, shortLength);
    const slots = this.#recordSlots(flows, snapshot);
    this.#longStep = this.#longStep === null ? step : joined(this.#longStep, step);
    // Timers are late by a little, again and again.
    if (this.#longStep.ms < longStepMs - shortStepMs / 2) return { second, hour: null, slots };
    const hour = pointOf(this.#longStep, wallMs, snapshot);
    pushPoint(this.#long, hour, longLength);
    this.#longStep = null;
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

  #recordSlots(flows: ReadonlyMap<string, Flow>, snapshot: Snapshot): Record<string, SlotPoint> {
    const present = new Set(snapshot.workers.map((worker) => slotLabel(worker.slot)));
    for (const slot of [...this.#slots.keys()]) {
      if (!present.has(slot)) this.#slots.delete(slot);
    }
    const points: Record<string, SlotPoint> = {};
    for (const slot of present) {
      const workers = snapshot.workers.filter((worker) => slotLabel(worker.slot) === slot);
      const point = {
        requestsPerSecond: flows.get(slot)?.requests ?? 0,
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

const nothing: Recorded = { second: null, hour: null, slots: {} };

function stepOf(ms: number, flow: Flow, { workers }: Snapshot): Step {
  const serving = workers.filter(({ state }) => state === 'ready' || state === 'suspect');
  const utilization = total(serving.map((worker) => worker.eventLoopUtilization));
  return {
    ms,
    counted: scaled(flow, ms / 1000),
    cpuPercent: total(workers.map((worker) => worker.cpuPercent)),
    eventLoopUtilization: serving.length === 0 ? 0 : utilization / serving.length,
  };
}

function joined(one: Step, other: Step): Step {
  const ms = one.ms + other.ms;
  const mean = (key: 'cpuPercent' | 'eventLoopUtilization') => (one[key] * one.ms + other[key] * other.ms) / ms;
  return {
    ms,
    counted: added(one.counted, other.counted),
    cpuPercent: mean('cpuPercent'),
    eventLoopUtilization: mean('eventLoopUtilization'),
  };
}

function pointOf(
  { ms, counted, cpuPercent, eventLoopUtilization }: Step,
  at: number,
  snapshot: Snapshot,
): HistoryPoint {
  const { workers, generation } = snapshot;
  const { requests, errors, latency } = scaled(counted, 1000 / ms);
  return {
    at,
    requestsPerSecond: requests,
    errorsPerSecond: errors,
    p50Ms: quantile(LATENCY_BOUNDS_MS, latency, 0.5),
    p95Ms: quantile(LATENCY_BOUNDS_MS, latency, 0.95),
    p99Ms: quantile(LATENCY_BOUNDS_MS, latency, 0.99),
    connections: total(workers.map((worker) => worker.connections)),
    activeRequests: total(workers.map((worker) => worker.activeRequests)),
    cpuPercent,
    memoryBytes: total(workers.map((worker) => worker.pssBytes ?? worker.rssBytes)),
    eventLoopUtilization,
    ready: workers.filter(({ state }) => state === 'ready').length,
    generation,
  };
}

/** A clock that was set back leaves points of the future, which would stand in the way of all that come. */
function pushPoint(ring: HistoryPoint[], point: HistoryPoint, length: number): void {
  while ((ring.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= point.at) ring.pop();
  push(ring, point, length);
}

function push<T>(ring: T[], value: T, length: number): void {
  ring.push(value);
  if (ring.length > length) ring.shift();
}

function total(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
