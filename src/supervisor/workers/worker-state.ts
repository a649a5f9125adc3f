// The life of one worker process, as the primary sees it: its states, which may follow which, and what is known in each.
//
//              fork
//               │
//               ▼          readiness + probe, born a spare
//          ┌─ starting ───────────────────────────► spare ─┐
//          │    │ readiness + probe                  │     │ promoted into a slot
//          │    ▼                                    │     │
//          │  ready ◄────────────────────────────────┼─────┘
//          │   │ ▲ no heartbeat for 5 s / heartbeat   │
//          │   ▼ │                                    │
//          │  suspect ── (autopsy) ──────────┐        │
//          │   │ drain                       │        │
//          │   ▼                             │        │
//          │  draining ── drained / deadline │        │
//          │   │ terminate                   │        │
//          ├───┴──────► stopping ◄───────────┼────────┤
//          │             │ deadline          │        │
//          │             ▼                   ▼        │
//          └─────────► killing ◄──────────────────────┘
//
//   Every state ends in `exited` when the process is gone, asked or unasked.

import type { Heartbeat } from '../../protocol/messages.ts';
import type { WorkerId } from '../vocabulary/actions.ts';
import type { ExitReason } from '../vocabulary/events.ts';
import type { PortSearch } from '../vocabulary/inputs.ts';
import type { Listener } from '../vocabulary/listener.ts';

export type WorkerStatus =
  /** Booting. `probe` is the stage after the readiness fact: null until it is known. */
  | { type: 'starting'; deadlineAt: number; probe: ProbeStage | null; probeFailure: string | null }
  /** Booted, the gate is closed, holds no slot. */
  | { type: 'spare' }
  | { type: 'ready' }
  /** The main loop has been silent for long. `autopsyUntil`: evidence is being taken, at the latest until then. */
  | { type: 'suspect'; since: number; autopsyUntil: number | null }
  /** `own`: it ends itself, and is left to finish. `stop`: its drain knows that nobody takes over from it. */
  | { type: 'draining'; since: number; deadlineAt: number; reason: string; own: boolean; stop: boolean }
  /** SIGTERM was delivered. */
  | { type: 'stopping'; deadlineAt: number; ending: Ending }
  | { type: 'killing'; since: number; ending: Ending }
  | { type: 'exited' };

export type ProbeStage = { type: 'wanted'; at: number } | { type: 'asked' } | { type: 'passed' };

/** Why we ended a worker; decides how its exit is told and counted. */
export interface Ending {
  reason: ExitReason;
  detail: string;
  /** Which time it overran, if that is why. */
  overran?: 'drainTimeout' | 'stopTimeout';
}

/** Why a worker was forked; decides what its failure means. */
export type Purpose = 'fill' | 'probe' | 'canary' | 'reload' | 'rollback' | 'recycle' | 'replace' | 'spare';

export interface Limits {
  memoryBytes: number | null;
  requests: number | null;
  lifetimeMs: number | null;
}

export interface Worker {
  readonly id: WorkerId;
  readonly generation: number;
  readonly purpose: Purpose;
  /** Forked from a generation whose files had been overwritten: what it runs is not what the generation pinned. */
  readonly mixed: boolean;
  readonly forkedAt: number;
  /** The recycle limits of this worker: jittered once, so that workers of one age do not all go at the same time. */
  readonly limits: Limits;
  /** The place it serves or is about to take; null for a spare. Stays after it left the slot, for reports. */
  slot: number | null;
  state: WorkerStatus;
  pid: number | null;
  readyAt: number | null;
  facts: { started: boolean; listening: boolean; saidReady: boolean };
  /** It has closed its last listening socket, where that is what makes a worker ready. */
  closed: { at: number; ending: boolean } | null;
  listeners: readonly Listener[];
  search: PortSearch;
  beat: Heartbeat | null;
  /** When the main loop was last known to turn. */
  aliveAt: number;
  /** When `beat` came. */
  beatAt: number;
  /** Requests that it is known to have answered. */
  answers: number;
  /** What its memory really is, since resident size counts shared pages too; asked for only when that is over the limit. */
  memory: { askedAt: number; pssBytes: number | null; isKnown: boolean } | null;
  /** Somebody (an operator, a signal, the application itself) wants this worker replaced. */
  replace: { reason: string; kind: 'recycle' | 'replace' } | null;
  /** What it sent that cannot be used. */
  fault: string | null;
  /** It stands still at an error that ends it before it was ready. */
  failing: boolean;
  /** SIGKILL had no effect for long: it holds its slot no more. */
  abandoned: boolean;
  /** Its gate is open: it accepts connections. */
  admitted: boolean;
}

export type ServingWorker = Worker & { state: Extract<WorkerStatus, { type: 'ready' | 'suspect' }> };
export type StartingWorker = Worker & { state: Extract<WorkerStatus, { type: 'starting' }> };

const legal: Record<WorkerStatus['type'], readonly WorkerStatus['type'][]> = {
  starting: ['ready', 'spare', 'stopping', 'killing', 'exited'],
  spare: ['ready', 'stopping', 'killing', 'exited'],
  ready: ['suspect', 'draining', 'stopping', 'killing', 'exited'],
  suspect: ['ready', 'draining', 'stopping', 'killing', 'exited'],
  // Back to ready: it had closed its server, and has opened it again.
  draining: ['ready', 'stopping', 'killing', 'exited'],
  stopping: ['killing', 'exited'],
  killing: ['exited'],
  exited: [],
};

/** Moves the worker on. An illegal move is a bug of the caller, never of the world. */
export function transition(worker: Worker, next: WorkerStatus): void {
  const from = worker.state.type;
  if (!legal[from].includes(next.type)) {
    throw new Error(`internal: worker ${worker.id} cannot go from ${from} to ${next.type}.`);
  }
  worker.state = next;
}

/** Takes traffic (a suspect one may still: its connections are its own). */
export function isServing(worker: Worker | null): worker is ServingWorker {
  return worker !== null && (worker.state.type === 'ready' || worker.state.type === 'suspect');
}

export function isStarting(worker: Worker | null): worker is StartingWorker {
  return worker !== null && worker.state.type === 'starting';
}

/** On its way out by our wish. */
export function isLeaving(worker: Worker): boolean {
  const { type } = worker.state;
  return type === 'draining' || type === 'stopping' || type === 'killing';
}

export function readyForMs(worker: Worker, now: number): number | null {
  return worker.readyAt === null ? null : now - worker.readyAt;
}
