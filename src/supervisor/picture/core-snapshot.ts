// The snapshot as far as the core knows it, and how it becomes the public `Snapshot` when the host adds what only the machine knows: pids and
// versions, memory shares, the time of day. Pure; in the primary.

import { SILENT_MS } from '../../protocol/silence.ts';
import { currentGeneration, type Model } from '../model.ts';
import { progressOf } from '../reload/reload.ts';
import type { WorkerId } from '../vocabulary/actions.ts';
import type { PrimaryState } from '../vocabulary/events.ts';
import type { Listener } from '../vocabulary/listener.ts';
import { listenersOf } from '../workers/listeners.ts';
import { oneClientOf } from '../workers/one-client.ts';
import type { Slot } from '../workers/slot.ts';
import type { Worker } from '../workers/worker-state.ts';
import { standingOf } from './count-standing.ts';
import type { ReloadSnapshot, Snapshot, WorkerSnapshot } from './snapshot.ts';

/** Times are the host's monotonic milliseconds. */
export interface CoreWorkerSnapshot extends Omit<WorkerSnapshot, 'pssBytes' | 'lastExit'> {
  /** Null: nobody is there. */
  id: WorkerId | null;
  /** CPU time up to its last heartbeat; null before the first. */
  cpuMicros: number | null;
  lastExit: { code: number | null; signal: string | null; reason: string; atMs: number } | null;
}

export interface CoreSnapshot {
  name: string;
  state: PrimaryState;
  generation: number;
  target: number;
  uptimeMs: number;
  stopWithinMs: number;
  entry: string;
  listeners: readonly Listener[];
  oneClient: string | null;
  circuit: 'closed' | 'open';
  reload: Omit<ReloadSnapshot, 'startedAt'> & { startedAtMs: number | null };
  workers: readonly CoreWorkerSnapshot[];
}

/** What the host adds. */
export interface HostFacts {
  pid: number;
  version: string;
  node: string;
  config: NonNullable<Snapshot['config']> | null;
  /** The same instant on both clocks. */
  monotonicMs: number;
  wallMs: number;
  /** What a process costs; null if unknown. */
  memory: (pid: number) => { pssBytes: number; rssBytes: number } | null;
  /** All CPU time of a process; null if unknown. */
  cpuMicros: (pid: number) => number | null;
  /** How many requests a worker has answered up to now; null if its last heartbeat knows as much. */
  answers: (worker: WorkerId) => number | null;
  /** How long a worker has been silent. It means nothing for one that has not spoken yet. */
  silentMs: (worker: WorkerId) => number;
}

export function takeSnapshot(model: Model, name: string, now: number): CoreSnapshot {
  const living = [...model.workers.values()].filter(({ state }) => state.type !== 'exited');
  const workers = living.map((worker) => pictureWorker(model, worker, now));
  for (const slot of model.slots.slice(0, model.target)) {
    if (slot.serving === null && slot.successor === null) workers.push(pictureEmptySlot(model, slot));
  }
  workers.sort(
    (a, b) =>
      (a.slot ?? Number.POSITIVE_INFINITY) - (b.slot ?? Number.POSITIVE_INFINITY) || a.generation - b.generation,
  );
  return {
    name,
    state: model.state,
    generation: model.current,
    target: model.target,
    uptimeMs: now - model.startedAt,
    stopWithinMs: model.policy.preStopDelayMs + model.policy.drainTimeoutMs + model.policy.stopTimeoutMs,
    entry: currentGeneration(model).entry,
    listeners: listenersOf(model),
    oneClient: oneClientOf(model),
    circuit: model.circuit.openedAt === null ? 'closed' : 'open',
    reload: pictureReload(model),
    workers,
  };
}

/** The public snapshot. */
export function completeSnapshot(core: CoreSnapshot, facts: HostFacts): Snapshot {
  const iso = (atMs: number) => new Date(facts.wallMs - (facts.monotonicMs - atMs)).toISOString();
  const { startedAtMs, ...reload } = core.reload;
  return {
    schema: 1,
    name: core.name,
    pid: facts.pid,
    version: facts.version,
    node: facts.node,
    state: core.state,
    generation: core.generation,
    target: core.target,
    uptimeMs: core.uptimeMs,
    stopWithinMs: core.stopWithinMs,
    entry: core.entry,
    config: facts.config,
    listeners: core.listeners,
    ...(core.oneClient !== null && { oneClient: core.oneClient }),
    circuit: core.circuit,
    reload: { ...reload, startedAt: startedAtMs === null ? null : iso(startedAtMs) },
    workers: core.workers.map(({ lastExit, id, cpuMicros, ...worker }) => ({
      ...worker,
      ...(id === null || worker.pid === null ? { pssBytes: null } : measured(worker, id, worker.pid, cpuMicros, facts)),
      lastExit: lastExit === null ? null : toLastExit(lastExit, iso),
    })),
  };
}

type Measured = Pick<
  WorkerSnapshot,
  'pssBytes' | 'rssBytes' | 'requestsTotal' | 'cpuPercent' | 'eventLoopUtilization' | 'eventLoopDelayP99Ms'
>;

/** Figures that the machine knows better than the last heartbeat. */
function measured(
  told: Omit<Measured, 'pssBytes'> & Pick<WorkerSnapshot, 'state' | 'uptimeMs'>,
  id: WorkerId,
  pid: number,
  cpuMicros: number | null,
  facts: HostFacts,
): Measured {
  const memory = facts.memory(pid);
  const figures = {
    pssBytes: memory?.pssBytes ?? null,
    rssBytes: told.rssBytes || (memory?.rssBytes ?? 0),
    requestsTotal: Math.max(told.requestsTotal, facts.answers(id) ?? 0),
    cpuPercent: told.cpuPercent,
    eventLoopUtilization: told.eventLoopUtilization,
    eventLoopDelayP99Ms: told.eventLoopDelayP99Ms,
  };
  // A worker that has not spoken yet is naturally silent while it starts.
  const silence = cpuMicros === null && told.state === 'starting' ? 0 : facts.silentMs(id);
  if (silence <= SILENT_MS) return figures;
  const usedMicros = facts.cpuMicros(pid);
  const [fromMicros, spanMs] = cpuMicros === null ? [0, told.uptimeMs] : [cpuMicros, silence];
  return {
    ...figures,
    cpuPercent: usedMicros === null ? told.cpuPercent : Math.max(0, (usedMicros - fromMicros) / spanMs / 10),
    eventLoopUtilization: 1,
    eventLoopDelayP99Ms: Math.max(silence, told.eventLoopDelayP99Ms),
  };
}

function toLastExit(exit: NonNullable<CoreWorkerSnapshot['lastExit']>, iso: (atMs: number) => string) {
  const { atMs, ...rest } = exit;
  return { ...rest, at: iso(atMs) };
}

function pictureWorker(model: Model, worker: Worker, now: number): CoreWorkerSnapshot {
  const slot = worker.slot === null ? undefined : model.slots[worker.slot];
  const { beat, state } = worker;
  return {
    id: worker.id,
    cpuMicros: beat === null ? null : beat.cpuUserMicros + beat.cpuSystemMicros,
    slot: worker.slot,
    pid: worker.pid,
    generation: worker.generation,
    state: state.type === 'exited' ? 'killing' : state.type,
    reason: reasonOf(worker),
    uptimeMs: now - worker.forkedAt,
    restarts: slot?.restarts ?? 0,
    connections: beat?.connections ?? 0,
    activeRequests: beat?.activeRequests ?? 0,
    requestsTotal: beat === null ? 0 : beat.requestsTotal - beat.activeRequests,
    rssBytes: beat?.rssBytes ?? 0,
    heapUsedBytes: beat?.heapUsedBytes ?? 0,
    cpuPercent: beat?.cpuPercent ?? 0,
    eventLoopUtilization: beat?.eventLoopUtilization ?? 0,
    eventLoopDelayP99Ms: beat?.eventLoopDelayP99Ms ?? 0,
    lastExit: pictureLastExit(slot),
  };
}

function reasonOf(worker: Worker): string | null {
  const { state } = worker;
  if (state.type === 'draining') return state.reason;
  if (state.type === 'stopping' || state.type === 'killing') return state.ending.detail;
  if (state.type === 'starting' && state.probeFailure !== null) return `its probe failed: ${state.probeFailure}`;
  if (worker.replace !== null) return worker.replace.reason;
  return worker.mixed ? 'mixed' : null;
}

function pictureEmptySlot(model: Model, slot: Slot): CoreWorkerSnapshot {
  const isBroken = model.circuit.openedAt !== null;
  const isVacant = slot.finished !== null || slot.fresh;
  return {
    id: null,
    cpuMicros: null,
    slot: slot.index,
    pid: null,
    generation: model.current,
    state: isVacant ? 'vacant' : isBroken ? 'broken' : 'backoff',
    reason: slot.lastFailure?.detail ?? null,
    uptimeMs: 0,
    restarts: slot.restarts,
    connections: 0,
    activeRequests: 0,
    requestsTotal: 0,
    rssBytes: 0,
    heapUsedBytes: 0,
    cpuPercent: 0,
    eventLoopUtilization: 0,
    eventLoopDelayP99Ms: 0,
    lastExit: pictureLastExit(slot),
  };
}

function pictureLastExit(slot: Slot | undefined): CoreWorkerSnapshot['lastExit'] {
  if (slot?.lastExit == null) return null;
  const { code, signal, reason, at } = slot.lastExit;
  return { code, signal, reason, atMs: at };
}

function pictureReload(model: Model): CoreSnapshot['reload'] {
  const { reload, lastReload, pinning } = model;
  if (reload !== null) {
    const { phase } = reload;
    return {
      state: phase.type === 'leaving' ? 'rolling' : phase.type === 'rolling-back' ? 'rolling-back' : phase.type,
      generation: reload.generation,
      startedAtMs: reload.startedAt,
      done: progressOf(model, reload),
      total: model.target,
      result: null,
      error: null,
    };
  }
  if (pinning !== null) {
    const { generation } = pinning;
    return { state: 'pinning', generation, startedAtMs: null, done: 0, total: model.target, result: null, error: null };
  }
  if (lastReload !== null) {
    const { startedAt, change, ...rest } = lastReload;
    const standing = change === null ? null : standingOf(model, change);
    return { state: 'idle', ...rest, standing, startedAtMs: startedAt };
  }
  return { state: 'idle', generation: model.current, startedAtMs: null, done: 0, total: 0, result: null, error: null };
}
