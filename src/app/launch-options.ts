// What whoever starts an app decides about this process, beside the app's configuration. Runs in the primary.

import type { SupervisorCommand } from '../protocol/orphans/orders.ts';
import type { AutoscaleTimes } from '../supervisor/decide/autoscale.ts';
import type { SuccessorPlan } from './takeover/handover.ts';
import type { Inherited } from './takeover/inherited.ts';

export type { SupervisorCommand };

/** A piece of a worker's output. */
export interface WorkerOutput {
  slot: number | null;
  pid: number;
  generation: number;
  stream: 'stdout' | 'stderr';
  chunk: Buffer;
}

export interface LaunchOptions {
  /** True: the signals that tutti knows are commands, as with `tutti run`. */
  signals: boolean;
  /**
   * Where the workers' output goes: to this process's own, untouched, or to a function. A configuration that names a log file, or a
   * format other than raw for an output that is no terminal, has it written by a log process instead.
   */
  output: 'inherit' | ((output: WorkerOutput) => void);
  /**
   * The control socket: `wanted` (default) is told in one line when it cannot be had; `required` comes before the workers and
   * ends the app without one; `none` opens nothing.
   */
  control?: 'wanted' | 'required' | 'none';
  /** True: what nobody catches in this process ends the app in order. Only for a process that does nothing else. */
  lastResort?: boolean;
  /** What another process has handed down to this one. */
  inherited?: Inherited | null;
  /** How this process was started, where its own orphans may start another one like it. */
  revival?: SupervisorCommand | null;
  /** How a successor of this process is started. Null: there can be no upgrade. Default: null. */
  successor?: SuccessorPlan | null;
  /** How fast `workers: min..max` follows the load; tests have no minutes to wait. */
  autoscaleTimes?: AutoscaleTimes;
}
