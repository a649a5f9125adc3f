import type { Heartbeat } from '../../../src/protocol/messages.ts';
import type { Snapshot, WorkerSnapshot } from '../../../src/supervisor/picture/snapshot.ts';

/** A worker's heartbeat after `requests` answers with 200, each of `ms`. */
export function beatOf(requests: number, ms = 3, more: Partial<Heartbeat> = {}): Heartbeat {
  return {
    rssBytes: 50e6,
    heapUsedBytes: 10e6,
    cpuUserMicros: requests * 100,
    cpuPercent: 12,
    cpuSystemMicros: requests * 20,
    eventLoopUtilization: 0.25,
    eventLoopDelayP99Ms: 12,
    connections: 4,
    activeRequests: 1,
    requestsTotal: requests,
    inspected: false,
    handlesUsr1: false,
    extra: {
      status: [0, 0, requests, 0, 0, 0],
      latencyBuckets: { le: [1, 5, 50], counts: [0, ms <= 5 ? requests : 0, ms > 5 ? requests : 0, 0] },
      latencySumMs: requests * ms,
      transfers: { sent: 1, adopted: 2, refused: 0 },
      gc: { minor: { count: 3, ms: 6 } },
      heapTotalBytes: 20e6,
    },
    ...more,
  };
}

export function workerOf(slot: number | null, more: Partial<WorkerSnapshot> = {}): WorkerSnapshot {
  return {
    slot,
    pid: 1000 + (slot ?? 99),
    generation: 1,
    state: 'ready',
    reason: null,
    uptimeMs: 5000,
    restarts: 0,
    connections: 4,
    activeRequests: 1,
    requestsTotal: 10,
    rssBytes: 50e6,
    pssBytes: 30e6,
    heapUsedBytes: 10e6,
    cpuPercent: 20,
    eventLoopUtilization: 0.25,
    eventLoopDelayP99Ms: 12,
    lastExit: null,
    ...more,
  };
}

export function snapshotOf(workers: WorkerSnapshot[], more: Partial<Snapshot> = {}): Snapshot {
  return {
    schema: 1,
    name: 'shop',
    pid: 1,
    version: '0.1.0',
    node: 'v20.20.2',
    state: 'running',
    generation: 1,
    target: workers.length,
    uptimeMs: 60_000,
    entry: '/srv/shop/server.js',
    listeners: [],
    circuit: 'closed',
    reload: { state: 'idle', generation: 1, startedAt: null, done: 0, total: 0, result: null, error: null },
    workers,
    ...more,
  };
}
