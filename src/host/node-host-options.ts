// What the host needs of the rest of the primary, and what it tells it.

import type { AppMetric, WorkerEnd } from '../protocol/messages.ts';
import type { OrphanOrders } from '../protocol/orphans/orders.ts';
import type { CommandResult, WorkerId } from '../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';
import type { LastWords, PolicyChange, SupervisorInput } from '../supervisor/vocabulary/inputs.ts';
import type { Generations, Program } from './code/generations.ts';
import type { DataPlane } from './connections/data-plane.ts';
import type { HeldBack } from './held-back.ts';
import type { Autopsy } from './look/autopsy.ts';
import type { ProcessMemory } from './machine/process-memory.ts';
import type { ConnectedOutput } from './process/connected-output.ts';
import type { WorkerProcess } from './process/worker-process.ts';

export interface NodeHostOptions {
  generations: Generations;
  dataPlane: DataPlane;
  memory: ProcessMemory;
  output: 'inherit' | 'pipe';
  /** While it holds, workers start and get ready, but accept nothing. */
  heldBack: HeldBack;
  /** The limit of a new worker's heap, unless these set one: in MiB; null: as Node decides. */
  heapMib(nodeArgs: readonly string[], nodeOptions: string | undefined): number | null;
  /** The application's own metrics will be asked for. */
  metricsAsked: boolean;
  /** Where profiles and heap snapshots are written. Null: there is none to be had. */
  inspectionFolder: string | null;
  /** Connects a new worker's output elsewhere, instead of `output`. */
  connectOutput: ((worker: { slot: number | null; generation: number }) => Promise<ConnectedOutput | null>) | null;
  /** Whether a worker that stands still may be looked into. */
  autopsy: boolean;
  /** What was seen in a worker that stands still. */
  autopsied(worker: WorkerProcess, autopsy: Autopsy): void;
  /** What workers do when this process is dead; null: they drain. */
  orphan: OrphanOrders | null;
  /** Who lives is known to more than this process. */
  roster: { joined(pid: number, end: WorkerEnd): void; left(pid: number): void };
  /** What a worker told of its end, before the core hears of it. */
  ended(pid: number, lastWords: LastWords): void;
  /** Reads the configuration again, for a reload. Rejects with the reason why it cannot be used. */
  reread(): Promise<{ program: Program; policy: PolicyChange }>;
  dispatch(input: SupervisorInput): void;
  report(event: SupervisorEvent): void;
  answer(id: number, result: CommandResult): void;
  exit(code: number, reason: string): void;
  metrics(worker: WorkerId, seq: number | null, metrics: readonly AppMetric[] | null, leftOut: number): void;
  outputOf(worker: WorkerProcess, stream: 'stdout' | 'stderr', chunk: Buffer): void;
  /** What an application said with process.send(), but for the word 'ready'. */
  said(message: unknown): void;
}
