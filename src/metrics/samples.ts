// Turns the accumulated counts and the snapshot into the samples of every family. Pure; runs in the primary.

import type { Heartbeat } from '../protocol/messages.ts';
import { primaryStates, slotStates, workerStates } from '../protocol/workers.ts';
import type { Snapshot, WorkerSnapshot } from '../supervisor/picture/snapshot.ts';
import type { WorkerId } from '../supervisor/vocabulary/actions.ts';
import { type Accumulator, slotLabel } from './accumulator.ts';
import { type Counter, Histogram, type Labels } from './counters.ts';
import { type FamilyName, requestBoundsSeconds } from './families.ts';

export interface Sample {
  labels: Labels;
  value: number;
  /** Set for the parts of a histogram: `<family>_bucket`, `_sum`, `_count`. */
  metricName?: string;
}

/** The supervisor's own use of the machine; measured by the caller. */
export interface OwnUsage {
  cpuUserSeconds: number;
  cpuSystemSeconds: number;
  residentBytes: number;
  /** What the container has, and what it has used of that; null: no limit, or not known. */
  container?: ContainerUsage;
}

export interface ContainerUsage {
  cpuQuota: number | null;
  throttling: { periods: number; throttled: number; seconds: number } | null;
  memory: { limitBytes: number; usedBytes: number } | null;
  kills: number | null;
}

function containerFamilies(usage: ContainerUsage | undefined) {
  const known = (value: number | null | undefined) => (value == null ? [] : one(value));
  return {
    tutti_cpu_quota_cores: known(usage?.cpuQuota),
    tutti_cpu_periods_total: known(usage?.throttling?.periods),
    tutti_cpu_throttled_periods_total: known(usage?.throttling?.throttled),
    tutti_cpu_throttled_seconds_total: known(usage?.throttling?.seconds),
    tutti_memory_limit_bytes: known(usage?.memory?.limitBytes),
    tutti_memory_used_bytes: known(usage?.memory?.usedBytes),
    tutti_oom_kills_total: known(usage?.kills),
  };
}

export function sampleFamilies(
  counts: Accumulator,
  snapshot: Snapshot,
  own: OwnUsage,
  /** Of the application's own metrics: workers that were asked just now and gave no answer, and values that found no room. */
  { silent, leftOut }: { silent: readonly WorkerId[]; leftOut: number } = { silent: [], leftOut: 0 },
): Record<FamilyName, readonly Sample[]> {
  const slots = groupBySlot(snapshot.workers);
  const silentPids = new Set(silent.map((worker) => counts.pidOf(worker)));
  const perSlot = (value: (workers: readonly WorkerSnapshot[]) => number | null) =>
    [...slots].flatMap(([slot, workers]) => {
      const number = value(workers);
      return number === null ? [] : [{ labels: { slot }, value: number }];
    });
  const fromBeats = (pick: (beat: Heartbeat) => number | undefined) =>
    [...slots].flatMap(([slot, workers]) => {
      const values = counts
        .beats(workers[0]?.slot ?? null)
        .map(pick)
        .filter((value) => value !== undefined);
      return values.length === 0 ? [] : [{ labels: { slot }, value: sum(values) }];
    });

  return {
    tutti_info: one(1, { app: snapshot.name, version: snapshot.version, node: snapshot.node }),
    tutti_state: primaryStates.map((state) => ({ labels: { state }, value: Number(snapshot.state === state) })),
    tutti_uptime_seconds: one(snapshot.uptimeMs / 1000),
    tutti_generation: one(snapshot.generation),
    tutti_circuit_open: one(Number(snapshot.circuit === 'open')),
    tutti_reload_in_progress: one(Number(snapshot.reload.state !== 'idle')),
    tutti_supervisor_cpu_seconds_total: [
      { labels: { mode: 'user' }, value: own.cpuUserSeconds },
      { labels: { mode: 'system' }, value: own.cpuSystemSeconds },
    ],
    tutti_supervisor_resident_memory_bytes: one(own.residentBytes),
    ...containerFamilies(own.container),
    tutti_app_metrics_left_out: one(leftOut),

    tutti_workers_wanted: one(snapshot.target),
    tutti_workers: [...workerStates, ...slotStates].map((state) => ({
      labels: { state },
      value: snapshot.workers.filter((worker) => worker.state === state).length,
    })),
    tutti_worker_up: perSlot((workers) =>
      Number(workers.some((worker) => worker.state === 'ready' && !silentPids.has(worker.pid))),
    ),
    tutti_worker_generation: perSlot((workers) => Math.max(...workers.map((worker) => worker.generation))),
    tutti_worker_uptime_seconds: perSlot((workers) => {
      const living = workers.filter((worker) => worker.pid !== null);
      return living.length === 0 ? 0 : Math.min(...living.map((worker) => worker.uptimeMs)) / 1000;
    }),
    tutti_worker_exits_total: series(counts.exits),
    tutti_worker_restarts_total: series(counts.restarts),
    tutti_worker_suspect_total: series(counts.suspects),
    tutti_worker_recycles_total: series(counts.recycles),
    tutti_worker_preload_failures_total: series(counts.preloadFailures),

    tutti_http_requests_total: series(counts.requests),
    tutti_http_request_duration_seconds: [...counts.latencies].flatMap(([slot, histogram]) =>
      histogramSamples('tutti_http_request_duration_seconds', coarser(histogram), { slot }),
    ),
    tutti_http_requests_active: perSlot((workers) => sum(workers.map((worker) => worker.activeRequests))),
    tutti_connections: perSlot((workers) => sum(workers.map((worker) => worker.connections))),
    tutti_transfers_total: series(counts.transfers),
    tutti_requests_replayed_total: series(counts.replayed),

    tutti_worker_event_loop_delay_p99_seconds: perSlot(
      (workers) => Math.max(...workers.map((worker) => worker.eventLoopDelayP99Ms)) / 1000,
    ),
    tutti_worker_event_loop_utilization_ratio: perSlot((workers) =>
      Math.max(...workers.map((worker) => worker.eventLoopUtilization)),
    ),
    tutti_worker_gc_duration_seconds_total: series(counts.gcSeconds),
    tutti_worker_gc_runs_total: series(counts.gcRuns),
    tutti_worker_heap_used_bytes: perSlot((workers) => sum(workers.map((worker) => worker.heapUsedBytes))),
    tutti_worker_heap_total_bytes: fromBeats((beat) => beat.extra?.heapTotalBytes),
    tutti_worker_heap_limit_bytes: fromBeats((beat) => beat.extra?.heapLimitBytes),
    tutti_worker_external_memory_bytes: fromBeats((beat) => beat.extra?.externalBytes),
    tutti_worker_resident_memory_bytes: perSlot((workers) => sum(workers.map((worker) => worker.rssBytes))),
    tutti_worker_proportional_memory_bytes: perSlot((workers) => {
      const known = workers.map((worker) => worker.pssBytes).filter((bytes) => bytes !== null);
      return known.length === 0 ? null : sum(known);
    }),
    tutti_worker_cpu_seconds_total: series(counts.cpuSeconds),

    tutti_worker_boot_seconds: histogramSamples('tutti_worker_boot_seconds', counts.bootSeconds),
    tutti_worker_drain_seconds: histogramSamples('tutti_worker_drain_seconds', counts.drainSeconds),
    tutti_drains_incomplete_total: series(counts.drainsIncomplete),
    tutti_reloads_total: series(counts.reloads),
    tutti_reload_duration_seconds: histogramSamples('tutti_reload_duration_seconds', counts.reloadSeconds),
    tutti_scalings_total: series(counts.scalings),
    tutti_circuit_openings_total: series(counts.circuitOpenings),
    tutti_port_closings_total: series(counts.portClosings),
    tutti_incidents_total: series(counts.incidents),
  };
}

function one(value: number, labels: Labels = {}): Sample[] {
  return [{ labels, value }];
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

function series(counter: Counter): Sample[] {
  return [...counter.series()].map(({ labels, value }) => ({ labels, value }));
}

function groupBySlot(workers: readonly WorkerSnapshot[]): Map<string, WorkerSnapshot[]> {
  const slots = new Map<string, WorkerSnapshot[]>();
  for (const worker of workers) {
    const slot = slotLabel(worker.slot);
    const known = slots.get(slot);
    if (known) known.push(worker);
    else slots.set(slot, [worker]);
  }
  return slots;
}

function coarser(fine: Histogram): Histogram {
  const coarse = new Histogram(requestBoundsSeconds);
  coarse.merge(fine.bounds, fine.counts, fine.sum);
  return coarse;
}

function histogramSamples(name: string, histogram: Histogram, labels: Labels = {}): Sample[] {
  let below = 0;
  const buckets = histogram.counts.map((count, index) => {
    below += count;
    const bound = histogram.bounds[index];
    return {
      labels: { ...labels, le: bound === undefined ? '+Inf' : String(bound) },
      value: below,
      metricName: `${name}_bucket`,
    };
  });
  return [
    ...buckets,
    { labels, value: histogram.sum, metricName: `${name}_sum` },
    { labels, value: below, metricName: `${name}_count` },
  ];
}
