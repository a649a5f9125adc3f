// Everything the core can ask of the world.

import type { Standing } from '../picture/standing.ts';
import type { SupervisorEvent } from './events.ts';

/** Unique and increasing within one supervisor; never reused, unlike a pid. */
export type WorkerId = number;

export type Action =
  /**
   * Start a process for `worker`. `slot` is null for a spare. `gated`: it listens, but accepts nothing before `admit`.
   * Answered by `worker-online` or by `worker-exit`.
   */
  | { type: 'fork'; worker: WorkerId; slot: number | null; generation: number; spare: boolean; gated: boolean }
  /**
   * Open the gate: the worker may accept connections from now on. `slot` names the place it takes (a spare learns it here). Answered by
   * `worker-accepting`.
   */
  | { type: 'admit'; worker: WorkerId; slot: number }
  /** Ask the worker's own HTTP server, through a private socket. Answered by `worker-probe`. */
  | { type: 'probe'; worker: WorkerId; path: string; timeoutMs: number }
  /**
   * Begin the drain (docs/lifecycle.md). Answered by `worker-drained`, at the latest by the core's own deadline. `stop`: the whole
   * app ends, nobody takes over; a drain that runs may learn it later.
   */
  | { type: 'drain'; worker: WorkerId; timeoutMs: number; stop: boolean }
  /** After the drain: deliver SIGTERM to the application, so that its own clean-up runs. */
  | { type: 'terminate'; worker: WorkerId }
  /** Tell what memory the worker's process really costs. Answered by `worker-memory`. */
  | { type: 'measure-memory'; worker: WorkerId }
  /** SIGKILL. */
  | { type: 'kill'; worker: WorkerId }
  /** Look into a worker that is about to be killed. Answered by `worker-autopsy`, even if that failed. */
  | { type: 'autopsy'; worker: WorkerId; timeoutMs: number }
  /**
   * Resolve the entry anew (symlinks), read configuration and environment again, and pin them as `generation`.
   * Answered by `generation-pinned` or `generation-refused`. Generation 1 is pinned before the core starts.
   */
  | { type: 'pin'; generation: number; from: 'disk' | { generation: number } }
  /** Nothing refers to the generation any more. */
  | { type: 'unpin'; generation: number }
  /** No worker was ready within holdTimeout: close the ports, so that clients are refused. They reopen when a worker listens. */
  | { type: 'close-ports' }
  /** With `ports`: close the ports of this slot that no worker has. They reopen when a worker of the slot listens. */
  | { type: 'close-slot-ports'; slot: number; afterMs: number }
  /**
   * Close ports for clients. Workers that drain already, or are told to after this, serve what waits in the kernel's queue. All ports, or
   * with `unusedBy` those that only such workers have and that no worker of that generation held when it died.
   */
  | { type: 'shut-ports'; unusedBy: number | null }
  /** Call `wake` (input `tick`) at this time or as soon after as possible. Replaces every earlier `wake`. */
  | { type: 'wake'; at: number }
  /** Tell the operator. */
  | { type: 'report'; event: SupervisorEvent }
  /** Answer a command; `id` is the one of the input. */
  | { type: 'answer'; id: number; result: CommandResult }
  /** Everything has ended; the primary may leave with this code. */
  | { type: 'exit'; code: number; reason: string };

export type CommandResult =
  | { outcome: 'done'; detail?: string; generation?: number }
  /** Nothing changed, or it was rolled back. */
  | ({ outcome: 'failed' } & Shortfall)
  /** It worked in part, and the operator has to look: fewer workers than wanted, or a reload that cannot be undone. */
  | ({ outcome: 'degraded' } & Shortfall)
  /** A later command of the same kind took its place. */
  | { outcome: 'superseded'; reason: string }
  | { outcome: 'refused'; reason: string };

export interface Shortfall {
  reason: string;
  /** The failed worker's last lines of stderr. */
  lastLines: readonly string[];
  generation?: number;
  /** The line of the program's source where it failed, with the lines around it. Only for a reload. */
  frame?: readonly string[];
  /** Only for a reload. */
  standing?: Standing;
}
