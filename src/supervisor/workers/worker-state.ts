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
  /** The main loop is silent. `autopsyUntil`: it is being looked into, at the latest until then. */
  | { type: 'suspect'; since: number; autopsyUntil: number | null }
  /** `own`: it ends itself and is left to finish. `stop`: its drain knows that no worker takes over. */
  | { type: 'draining'; since: number; deadlineAt: number; reason: string; own: boolean; stop: boolean }
  /** SIGTERM was delivered. */
  | { type: 'stopping'; deadlineAt: number; ending: Ending }
  | { type: 'killing'; since: number; ending: Ending }
  | { type: 'exited' };

export type ProbeStage = { type: 'wanted'; at: number } | { type: 'asked' } | { type: 'passed' };

/** Why we ended a worker. Decides how its exit is reported and counted. */
export interface Ending {
  reason: ExitReason;
  detail: string;
  /** Which timeout it overran, if that is the reason. */
  overran?: 'drainTimeout' | 'stopTimeout';
}

/** Why a worker was forked. Decides what its failure means. */
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
  /** Forked from a generation whose files had been overwritten, so it does not run what the generation pinned. */
  readonly mixed: boolean;
  readonly forkedAt: number;
  /** The recycle limits of this worker, jittered so that workers of the same age do not all leave at the same time. */
  readonly limits: Limits;
  /** The slot that it serves or is about to take; null for a spare. Kept for reports after it has left the slot. */
  slot: number | null;
  state: WorkerStatus;
  pid: number | null;
  readyAt: number | null;
  facts: { started: boolean; listening: boolean; saidReady: boolean };
  /** It has closed its last listening socket. Only where listening makes a worker ready. */
  closed: { at: number; ending: boolean } | null;
  listeners: readonly Listener[];
  search: PortSearch;
  beat: Heartbeat | null;
  /** When the main loop was last known to turn. */
  aliveAt: number;
  /** When `beat` came. */
  beatAt: number;
  /** How many requests it is known to have answered. */
  answers: number;
  /** Its proportional memory, since the resident size counts shared pages in full. Measured only if that is over the limit. */
  memory: { askedAt: number; pssBytes: number | null; isKnown: boolean } | null;
  /** Somebody (an operator, a signal, the application itself) wants this worker replaced. */
  replace: { reason: string; kind: 'recycle' | 'replace' /** It cannot wait for memory. */; isUrgent?: true } | null;
  /** The unusable message that it sent. */
  fault: string | null;
  /** It has failed before it was ready, and waits before it dies. */
  failing: boolean;
  /** SIGKILL had no effect, so it no longer holds its slot. */
  abandoned: boolean;
  /** Its gate is open: it accepts connections. */
  admitted: boolean;
  /** It is known to do so from its own copies of the sockets: it would go on, should the primary die now. */
  accepting: boolean;
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

/** Changes the state. An illegal transition is a bug of the caller, never a fault of the outside world. */
export function transition(worker: Worker, next: WorkerStatus): void {
  const from = worker.state.type;
  if (!legal[from].includes(next.type)) {
    throw new Error(`internal: worker ${worker.id} cannot go from ${from} to ${next.type}.`);
  }
  worker.state = next;
}

/** Whether it takes traffic. A suspect worker counts: it still has its connections. */
export function isServing(worker: Worker | null): worker is ServingWorker {
  return worker !== null && (worker.state.type === 'ready' || worker.state.type === 'suspect');
}

export function isStarting(worker: Worker | null): worker is StartingWorker {
  return worker !== null && worker.state.type === 'starting';
}

/** Whether we are ending it. */
export function isLeaving(worker: Worker): boolean {
  const { type } = worker.state;
  return type === 'draining' || type === 'stopping' || type === 'killing';
}

export function readyForMs(worker: Worker, now: number): number | null {
  return worker.readyAt === null ? null : now - worker.readyAt;
}
