// Keeps every count of the app's life by watching what goes into the core (inputs) and what comes out of it (actions). A worker's own
// counters begin at 0 with its process; here only their growth is added to the slot, so that no series ever goes back, whatever
// dies, reloads or scales. Pure: the caller brings the time. Runs in the primary.

import type { Heartbeat } from '../protocol/messages.ts';
import { LATENCY_BOUNDS_MS, type RequestCounts } from '../protocol/messages.ts';
import type { Action, WorkerId } from '../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';
import type { SupervisorInput } from '../supervisor/vocabulary/inputs.ts';
import { Counter, Histogram, type SavedCounts } from './counters.ts';
import { noFlow, Rates } from './rates.ts';

const fineBoundsSeconds = LATENCY_BOUNDS_MS.map((ms) => ms / 1000);
const lifeBoundsSeconds = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60] as const;
const reloadBoundsSeconds = [1, 2, 5, 10, 30, 60, 120, 300, 600] as const;

const exitReasons = ['planned', 'crashed', 'killed', 'timed-out', 'hung', 'never-ready', 'finished'] as const;
const statusClasses = ['aborted', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/** How many ended workers are remembered, for a heartbeat that is delivered after its worker's exit. */
const endedKept = 64;

interface Watched {
  slot: number | null;
  pid: number | null;
  beat: Heartbeat | null;
  /** The requests that are counted already. */
  counts: RequestCounts | null;
  ended: boolean;
}

/** The slot's name in labels. */
export function slotLabel(slot: number | null): string {
  return slot === null ? 'spare' : String(slot);
}

export class Accumulator {
  readonly requests = new Counter();
  readonly transfers = new Counter();
  readonly cpuSeconds = new Counter();
  readonly gcSeconds = new Counter();
  readonly gcRuns = new Counter();
  readonly exits = new Counter();
  readonly restarts = new Counter();
  readonly replayed = new Counter();
  readonly suspects = new Counter();
  readonly recycles = new Counter();
  readonly preloadFailures = new Counter();
  readonly drainsIncomplete = new Counter();
  readonly reloads = new Counter();
  readonly scalings = new Counter();
  readonly circuitOpenings = new Counter();
  readonly portClosings = new Counter();
  readonly incidents = new Counter();
  readonly bootSeconds = new Histogram(lifeBoundsSeconds);
  readonly drainSeconds = new Histogram(lifeBoundsSeconds);
  readonly reloadSeconds = new Histogram(reloadBoundsSeconds);
  /** Durations of requests, by slot, as finely as the workers measure them. */
  readonly latencies = new Map<string, Histogram>();
  readonly rates = new Rates();

  readonly #workers = new Map<WorkerId, Watched>();
  readonly #lastExitReason = new Map<number, string>();
  readonly #reloadKind = new Map<number, 'reload' | 'rollback'>();

  constructor() {
    for (const counter of [this.drainsIncomplete, this.circuitOpenings, this.portClosings, this.incidents]) {
      counter.add({}, 0);
    }
    for (const kind of ['reload', 'rollback']) {
      for (const result of ['done', 'failed', 'degraded', 'superseded']) this.reloads.add({ kind, result }, 0);
    }
    for (const direction of ['up', 'down']) this.scalings.add({ direction }, 0);
  }

  /** All that only grows, for the supervisor that goes on counting. */
  save(): SavedCounts {
    const saved: SavedCounts = { counters: {}, histograms: {}, latencies: {} };
    for (const [name, one] of Object.entries(this)) {
      if (one instanceof Counter) saved.counters[name] = [...one.series()].map((series) => ({ ...series }));
      if (one instanceof Histogram) saved.histograms[name] = { counts: [...one.counts], sum: one.sum };
    }
    for (const [slot, { counts, sum }] of this.latencies) saved.latencies[slot] = { counts: [...counts], sum };
    return saved;
  }

  /** Goes on from there. What is not known here any more is left out. */
  restore({ counters, histograms, latencies }: SavedCounts): void {
    for (const [name, one] of Object.entries(this)) {
      if (one instanceof Counter) one.restore(counters[name] ?? []);
      const saved = histograms[name];
      if (one instanceof Histogram && saved?.counts.length === one.counts.length)
        one.merge(one.bounds, saved.counts, saved.sum);
    }
    for (const [slot, { counts, sum }] of Object.entries(latencies)) {
      const one = this.latencies.get(slot) ?? new Histogram(fineBoundsSeconds);
      this.latencies.set(slot, one);
      if (counts.length === one.counts.length) one.merge(one.bounds, counts, sum);
    }
  }

  /** Every input, when it came: ms of a monotonic clock. */
  input(input: SupervisorInput, now: number): void {
    if (input.type === 'worker-heartbeat') this.#heartbeat(input.worker, input.beat, now);
    else if (input.type === 'worker-alive') this.rates.report(input.worker, noFlow, now);
    else if (input.type === 'workers-heard') {
      for (const { worker, agoMs, beat } of input.signs) {
        if (beat === null) this.rates.report(worker, noFlow, now - agoMs);
        else this.#heartbeat(worker, beat, now - agoMs);
      }
    } else if (input.type === 'worker-counted') this.counted(input.worker, input.counts, now);
    else if (input.type === 'worker-online') this.#online(input.worker, input.pid);
    else if (input.type === 'worker-exit') this.#ended(input.worker);
  }

  action(action: Action, now: number): void {
    if (action.type === 'fork') {
      this.#workers.set(action.worker, { slot: action.slot, pid: null, beat: null, counts: null, ended: false });
      this.rates.begin(action.worker, slotLabel(action.slot), now);
      this.#declareSlot(action.slot);
    } else if (action.type === 'admit') {
      const watched = this.#workers.get(action.worker);
      if (watched) watched.slot = action.slot;
      this.rates.admit(action.worker, slotLabel(action.slot));
      this.#declareSlot(action.slot);
    } else if (action.type === 'report') {
      this.event(action.event);
    }
  }

  /** What a worker had counted at that time. What is known to be more already is not changed. */
  counted(worker: WorkerId, counts: RequestCounts, at: number): void {
    const watched = this.#workers.get(worker);
    if (watched) this.#count(worker, watched, counts, at);
  }

  /** The last heartbeats of the living workers of a slot: one, or two while one replaces the other. */
  beats(slot: number | null): Heartbeat[] {
    const beats: Heartbeat[] = [];
    for (const watched of this.#workers.values()) {
      if (!watched.ended && watched.slot === slot && watched.beat) beats.push(watched.beat);
    }
    return beats;
  }

  pidOf(worker: WorkerId): number | null {
    return this.#workers.get(worker)?.pid ?? null;
  }

  event(event: SupervisorEvent): void {
    switch (event.type) {
      case 'worker-ready':
        this.bootSeconds.observe(event.bootMs / 1000);
        break;
      case 'worker-suspect':
        this.suspects.add({ slot: slotLabel(event.slot) });
        break;
      case 'worker-drained':
        this.drainSeconds.observe(event.drainMs / 1000);
        if (event.left.length > 0) this.drainsIncomplete.add({});
        break;
      case 'worker-exit':
        this.exits.add({ slot: slotLabel(event.slot), reason: event.reason });
        if (event.slot !== null) this.#lastExitReason.set(event.slot, event.reason);
        break;
      case 'worker-restart':
        this.restarts.add({
          slot: slotLabel(event.slot),
          reason: this.#lastExitReason.get(event.slot) ?? 'crashed',
        });
        break;
      case 'requests-replayed':
        this.replayed.add({ slot: slotLabel(event.slot) }, event.count);
        break;
      case 'recycled':
        this.recycles.add({ slot: slotLabel(event.slot) });
        break;
      case 'reload-started':
        this.#reloadKind.set(event.generation, event.kind);
        break;
      case 'reload-done':
        this.reloadSeconds.observe(event.ms / 1000);
        this.reloads.add({ kind: this.#endReload(event.generation), result: 'done' });
        break;
      case 'reload-failed':
        this.reloads.add({
          kind: this.#endReload(event.generation),
          result: event.degraded ? 'degraded' : event.superseded ? 'superseded' : 'failed',
        });
        break;
      case 'scaled':
        if (event.to !== event.from) this.scalings.add({ direction: event.to > event.from ? 'up' : 'down' });
        break;
      case 'circuit':
        if (event.state === 'open') this.circuitOpenings.add({});
        break;
      case 'ports-closed':
        this.portClosings.add({});
        break;
      case 'incident':
        this.incidents.add({});
        break;
      default:
        break;
    }
  }

  #endReload(generation: number): 'reload' | 'rollback' {
    const kind = this.#reloadKind.get(generation) ?? 'reload';
    // A newer reload takes the place of an older one without a word about the older.
    for (const known of [...this.#reloadKind.keys()]) {
      if (known <= generation) this.#reloadKind.delete(known);
    }
    return kind;
  }

  /** Series exist from the start at 0: what appears for the first time at 1 is no growth to Prometheus. */
  #declareSlot(slot: number | null): void {
    const label = slotLabel(slot);
    for (const status of statusClasses) this.requests.add({ slot: label, status }, 0);
    for (const reason of exitReasons) {
      this.exits.add({ slot: label, reason }, 0);
      if (slot !== null && reason !== 'planned') this.restarts.add({ slot: label, reason }, 0);
    }
    for (const mode of ['user', 'system']) this.cpuSeconds.add({ slot: label, mode }, 0);
    this.suspects.add({ slot: label }, 0);
    this.recycles.add({ slot: label }, 0);
    this.preloadFailures.add({ slot: label }, 0);
    this.replayed.add({ slot: label }, 0);
    this.#latency(label);
  }

  #latency(label: string): Histogram {
    let histogram = this.latencies.get(label);
    if (!histogram) {
      histogram = new Histogram(fineBoundsSeconds);
      this.latencies.set(label, histogram);
    }
    return histogram;
  }

  #heartbeat(worker: WorkerId, beat: Heartbeat, at: number): void {
    const watched = this.#workers.get(worker);
    if (!watched) return;
    const before = watched.beat;
    watched.beat = beat;
    const slot = slotLabel(watched.slot);

    this.cpuSeconds.add({ slot, mode: 'user' }, (beat.cpuUserMicros - (before?.cpuUserMicros ?? 0)) / 1e6);
    this.cpuSeconds.add({ slot, mode: 'system' }, (beat.cpuSystemMicros - (before?.cpuSystemMicros ?? 0)) / 1e6);

    const extra = beat.extra;
    const past = before?.extra;
    if (!extra) return;
    this.#count(worker, watched, extra, at);
    this.preloadFailures.add({ slot }, (extra.failures ?? 0) - (past?.failures ?? 0));
    for (const result of ['sent', 'adopted', 'refused'] as const) {
      if (extra.transfers) {
        this.transfers.add({ slot, result }, extra.transfers[result] - (past?.transfers?.[result] ?? 0));
      }
    }
    for (const kind of ['minor', 'major', 'incremental', 'weakcb'] as const) {
      const now = extra.gc?.[kind];
      if (!now) continue;
      const then = past?.gc?.[kind];
      this.gcSeconds.add({ slot, kind }, (now.ms - (then?.ms ?? 0)) / 1000);
      this.gcRuns.add({ slot, kind }, now.count - (then?.count ?? 0));
    }
  }

  /** Adds what has grown since the last time. What comes late, and knows less, adds nothing. */
  #count(worker: WorkerId, watched: Watched, counts: RequestCounts, at: number): void {
    const past = watched.counts;
    if (past !== null && sum(counts.status) < sum(past.status)) return;
    watched.counts = counts;
    const slot = slotLabel(watched.slot);
    const status = counts.status.map((count, index) => Math.max(0, count - (past?.status[index] ?? 0)));
    statusClasses.forEach((name, index) => {
      this.requests.add({ slot, status: name }, status[index] ?? 0);
    });
    const grown = new Histogram(fineBoundsSeconds);
    grown.merge(
      counts.latencyBuckets.le.map((ms) => ms / 1000),
      counts.latencyBuckets.counts.map((count, index) =>
        Math.max(0, count - (past?.latencyBuckets.counts[index] ?? 0)),
      ),
      Math.max(0, counts.latencySumMs - (past?.latencySumMs ?? 0)) / 1000,
    );
    this.#latency(slot).merge(grown.bounds, grown.counts, grown.sum);
    this.rates.report(worker, { requests: sum(status), errors: status[5] ?? 0, latency: grown.counts }, at);
  }

  #online(worker: WorkerId, pid: number): void {
    const watched = this.#workers.get(worker);
    if (watched) watched.pid = pid;
  }

  #ended(worker: WorkerId): void {
    const watched = this.#workers.get(worker);
    if (!watched) return;
    watched.ended = true;
    this.rates.end(worker);
    const ended = [...this.#workers].filter(([, one]) => one.ended);
    for (const [id] of ended.slice(0, Math.max(0, ended.length - endedKept))) this.#workers.delete(id);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
