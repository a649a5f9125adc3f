// Everything the core knows, in one place. In the primary; plain data: inputs and steps change it, the plan only reads it.

import { type AutoscaleTimes, defaultAutoscaleTimes, type LoadSample } from './decide/autoscale.ts';
import { type Circuit, newCircuit } from './decide/circuit.ts';
import type { Pinning, Reload, ReloadResult } from './reload/reload-state.ts';
import type { WorkerId } from './vocabulary/actions.ts';
import type { PrimaryState } from './vocabulary/events.ts';
import type { Listener } from './vocabulary/listener.ts';
import type { Policy } from './vocabulary/policy.ts';
import { newSlot, type Slot } from './workers/slot.ts';
import { isLeaving, isServing, isStarting, type Worker } from './workers/worker-state.ts';

export interface Generation {
  readonly number: number;
  readonly entry: string;
  /** The rules for its workers. Those of the current generation are also the rules of the pool. */
  policy: Policy;
  /** Its files were overwritten on disk, so a worker that is forked from it now runs a mix. */
  changedInPlace: boolean;
  /** One of its workers was ready for 10 s. */
  proven: boolean;
  /** When one of its workers was last known to have answered a request. */
  answeredAt: number | null;
  /** It was reported that its workers listen on different ports. */
  toldPorts: boolean;
}

export const newGeneration = { changedInPlace: false, proven: false, answeredAt: null, toldPorts: false };

/** Why the primary ends, and how far the ending of its workers has got. */
export interface Closing {
  mode: 'graceful' | 'fast' | 'now';
  code: number;
  reason: string;
  since: number;
  portsShut: boolean;
}

export interface ScaleCommand {
  id: number;
  from: number;
  to: number;
}

export interface RecycleCommand {
  id: number;
  workers: Set<WorkerId>;
}

export interface Model {
  policy: Policy;
  /** Wanted number of workers. */
  target: number;
  readonly startedAt: number;
  state: PrimaryState;
  generations: Map<number, Generation>;
  /** The generation that restarts and recycles use. */
  current: number;
  /** The one before it, for `rollback`. */
  previous: number | null;
  lastGeneration: number;
  lastWorker: WorkerId;
  /** Every process that is not known to have ended. */
  workers: Map<WorkerId, Worker>;
  /** Slots 0…; those at or above the target are being emptied or are vacant. */
  slots: Slot[];
  /** The failure history of spares, which hold no slot. */
  bench: Slot;
  circuit: Circuit;
  pinning: Pinning | null;
  reload: Reload | null;
  lastReload: ReloadResult | null;
  scale: ScaleCommand | null;
  recycles: RecycleCommand[];
  stops: number[];
  /** The primary will leave then. Until then everything goes on, but nothing new is begun. */
  farewell: { until: number; reason: string } | null;
  closing: Closing | null;
  /** Every slot has had its first outcome, and a worker was ready. */
  booted: boolean;
  everReady: boolean;
  /** Since when no worker has been ready; null while one is. */
  noneReadySince: number | null;
  portsClosed: boolean;
  /** Workers were told to leave since the last search for unused ports. */
  portsUntidy: boolean;
  /** A worker has begun to listen since the ports of all workers were last compared. */
  portsUnchecked: boolean;
  hungKills: number[];
  /** Successive recycles of workers that hit a limit within a minute of readiness. */
  quickRecycles: number;
  listeners: readonly Listener[];
  /** With `ip-hash`: whether clients come from several addresses. */
  clients: 'unknown' | 'several' | { address: string };
  /** What was already reported as held back. */
  heldBack: Set<string>;
  /** What was already reported as waiting for memory. */
  heldForMemory: Set<string>;
  /** Samples of the workers' load since the number of workers last changed. */
  load: readonly LoadSample[];
  /** When the host was last asked to call; null: it has called. */
  wakeAt: number | null;
  /** The slots are being filled. */
  isStarted: boolean;
  readonly autoscaleTimes: AutoscaleTimes;
}

export function newModel(
  policy: Policy,
  { entry, number = 1 }: { entry: string; number?: number },
  now: number,
  more: { target?: number | undefined; autoscaleTimes?: AutoscaleTimes | undefined } = {},
): Model {
  const { target = policy.workers.min, autoscaleTimes = defaultAutoscaleTimes } = more;
  return {
    policy,
    target,
    startedAt: now,
    state: 'starting',
    generations: new Map([[number, { number, entry, policy, ...newGeneration }]]),
    current: number,
    previous: null,
    lastGeneration: number,
    lastWorker: 0,
    workers: new Map(),
    slots: Array.from({ length: target }, (_, index) => newSlot(index)),
    bench: newSlot(-1),
    circuit: newCircuit(),
    pinning: null,
    reload: null,
    lastReload: null,
    scale: null,
    recycles: [],
    stops: [],
    farewell: null,
    closing: null,
    booted: false,
    everReady: false,
    noneReadySince: now,
    portsClosed: false,
    portsUntidy: false,
    portsUnchecked: false,
    hungKills: [],
    quickRecycles: 0,
    listeners: [],
    clients: 'unknown',
    heldBack: new Set(),
    heldForMemory: new Set(),
    load: [],
    wakeAt: null,
    isStarted: false,
    autoscaleTimes,
  };
}

/** The slots that should be filled. */
export function wantedSlots(model: Model): Slot[] {
  return model.slots.slice(0, model.target);
}

/** At the first start, a worker has died of an error that a retry does not cure. No more are started unless one gets ready. */
export function isHopeless(model: Model): boolean {
  return !model.everReady && wantedSlots(model).some(({ incurable }) => incurable);
}

export function currentGeneration(model: Model): Generation {
  const generation = model.generations.get(model.current);
  if (generation === undefined) throw new Error(`internal: generation ${model.current} is current but unknown.`);
  return generation;
}

/** The rules for this worker: those of the configuration it was started with. */
export function policyOf(model: Model, worker: Worker): Policy {
  return model.generations.get(worker.generation)?.policy ?? model.policy;
}

/** Workers that clients can reach. A canary on trial is not one of them. */
export function servingWorkers(model: Model): Worker[] {
  return [...model.workers.values()].filter((worker) => isServing(worker) && worker.admitted);
}

export function startingWorkers(model: Model): Worker[] {
  return [...model.workers.values()].filter(isStarting);
}

export function leavingWorkers(model: Model): Worker[] {
  return [...model.workers.values()].filter((worker) => isLeaving(worker) && !worker.abandoned);
}

/** Spares that have booted or are about to. */
export function spares(model: Model): Worker[] {
  return [...model.workers.values()].filter(
    (worker) => worker.slot === null && (worker.state.type === 'starting' || worker.state.type === 'spare'),
  );
}

/** The slot that this worker fills or is about to take over, if any. */
export function slotOf(model: Model, worker: Worker): Slot | null {
  const slot = worker.slot === null ? undefined : model.slots[worker.slot];
  return slot !== undefined && (slot.serving === worker || slot.successor === worker) ? slot : null;
}
