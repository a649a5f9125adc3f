// The read-only picture that status, metrics, the page and library users share (schema version 1).

import type { slotStates, workerStates } from '../../protocol/workers.ts';
import type { PrimaryState } from '../vocabulary/events.ts';
import type { Listener } from '../vocabulary/listener.ts';
import type { Standing } from './standing.ts';

export type WorkerState = (typeof workerStates)[number];

/** `backoff`, `broken` and `vacant` slots hold no process and are listed with `pid: null`. */
export type SlotState = (typeof slotStates)[number];

export interface LastExit {
  code: number | null;
  signal: string | null;
  reason: string;
  /** ISO 8601. */
  at: string;
}

export interface WorkerSnapshot {
  slot: number | null;
  pid: number | null;
  generation: number;
  state: WorkerState | SlotState;
  reason: string | null;
  uptimeMs: number;
  restarts: number;
  connections: number;
  activeRequests: number;
  /** Requests that this process has answered, and those that clients gave up on. */
  requestsTotal: number;
  rssBytes: number;
  /** Proportional set size, Linux only. */
  pssBytes: number | null;
  heapUsedBytes: number;
  cpuPercent: number;
  eventLoopUtilization: number;
  eventLoopDelayP99Ms: number;
  lastExit: LastExit | null;
}

export interface ReloadSnapshot {
  state: 'idle' | 'pinning' | 'canary' | 'rolling' | 'rolling-back';
  generation: number;
  startedAt: string | null;
  done: number;
  total: number;
  result: 'done' | 'failed' | 'degraded' | 'superseded' | null;
  error: string | null;
  /** This and everything below is missing if an older tutti runs. */
  kind?: 'reload' | 'rollback';
  /** The line of the program's source where the last reload failed, with the lines around it. */
  frame?: readonly string[];
  /** What runs now, after a reload that was refused or broken off, until one succeeds; otherwise null. */
  standing?: Standing | null;
}

export interface Snapshot {
  schema: 1;
  name: string;
  pid: number;
  /** The version of tutti. */
  version: string;
  /** The version of Node that runs the workers. */
  node: string;
  state: PrimaryState;
  generation: number;
  /** Wanted number of workers. */
  target: number;
  uptimeMs: number;
  /** The longest that a graceful stop takes: drainTimeout plus stopTimeout. Missing if an older tutti runs. */
  stopWithinMs?: number;
  entry: string;
  /** The configuration file, and the app's position in it. Missing if an older tutti runs. */
  config?: { file: string; position: number } | null;
  listeners: readonly Listener[];
  /** With `ip-hash`, where all clients come from one address: that one. Then one worker has them all. */
  oneClient?: string;
  circuit: 'closed' | 'open';
  reload: ReloadSnapshot;
  workers: readonly WorkerSnapshot[];
}
