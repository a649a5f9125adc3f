// What operators, logs, metrics and library users are told. Values only; logs/ makes the sentences.

import type { primaryStates } from '../../protocol/workers.ts';
import type { Standing } from '../picture/standing.ts';
import type { Listener } from './listener.ts';

interface WorkerRef {
  slot: number | null;
  pid: number | null;
  generation: number;
}

export type ExitReason =
  /** The supervisor ended it: drain, scale-down, recycle, reload, stop. */
  | 'planned'
  | 'crashed'
  /** By a signal that tutti did not send. */
  | 'killed'
  /** The drain or the stop took too long. */
  | 'timed-out'
  /** Its event loop was blocked for longer than livenessTimeout. */
  | 'hung'
  /** It ended, or had to be ended, before it was ready. */
  | 'never-ready'
  /** It ended by itself with code 0. */
  | 'finished';

export type SupervisorEvent =
  | { type: 'state'; state: PrimaryState; reason?: string }
  | ({ type: 'worker-online' } & WorkerRef)
  | ({ type: 'worker-ready'; bootMs: number } & WorkerRef)
  /** It has booted and waits to take the place of one that ends. */
  | ({ type: 'worker-spare'; bootMs: number } & WorkerRef)
  | ({ type: 'worker-suspect'; silentMs: number } & WorkerRef)
  | ({ type: 'worker-recovered'; silentMs: number } & WorkerRef)
  /** It sent an unusable message; `detail` says which, and why. It is replaced. */
  | ({ type: 'worker-faulty'; detail: string } & WorkerRef)
  | ({ type: 'worker-draining'; reason: string } & WorkerRef)
  /** `lasting`: nothing of what is left would have ended by itself. */
  | ({ type: 'worker-drained'; drainMs: number; left: readonly string[]; lasting: boolean } & WorkerRef)
  | ({
      type: 'worker-exit';
      code: number | null;
      signal: string | null;
      reason: ExitReason;
      detail: string;
      lastLines: readonly string[];
      uptimeMs: number;
    } & WorkerRef)
  | { type: 'worker-restart'; slot: number; delayMs: number; earlyDeaths: number; mixed: boolean }
  | { type: 'slot-broken'; slot: number; failures: number; detail: string }
  | { type: 'circuit'; state: 'open' | 'closed'; earlyDeaths: number; windowMs: number }
  | { type: 'listening'; listeners: readonly Listener[] }
  | { type: 'ports-closed'; afterMs: number }
  /** With `ports`: the slot has had no worker for so long. */
  | { type: 'slot-ports-closed'; slot: number; listeners: readonly Listener[]; afterMs: number }
  /** With `ports`: `port`, which is the one that the application asked for and its slot added, cannot be had. `code`: as EADDRINUSE. */
  | { type: 'slot-port-refused'; slot: number; port: number; asked: number; code: string }
  /** With `ip-hash`: all clients come from this address, so one worker has them all. */
  | { type: 'one-client'; address: string }
  /** A worker and others of its generation have no port in common. `wanted`: the one that it found taken by its own app. */
  | ({
      type: 'ports-differ';
      listeners: readonly Listener[];
      others: readonly Listener[];
      wanted: number | null;
    } & WorkerRef)
  /** No worker listens there any more. */
  | { type: 'unused-ports-closed'; listeners: readonly Listener[] }
  /** Sockets that were handed down and that no worker asked for. `kept`: a service manager's, which stay open; others are closed. */
  | { type: 'inherited-unused'; listeners: readonly Listener[]; kept: boolean }
  /** The supervisor before this one has ended without a word. `orphans`: workers of it that live. */
  | { type: 'supervisor-died'; pid: number; orphans: readonly number[] }
  /** Every worker is ready, on the sockets of the supervisor `from`; its orphans are told to finish what they have. */
  | { type: 'resurrected'; from: number; orphans: readonly number[]; ms: number }
  /** None of them is left. `killed`: those that did not end in time. */
  | { type: 'orphans-ended'; from: number; killed: readonly number[] }
  /** A successor of this supervisor starts, beside it. */
  | { type: 'upgrade-started'; successor: number; node: string }
  /** `pid` is the supervisor from now on; `from` was it before. */
  | { type: 'upgrade-finished'; pid: number; from: number; ms: number }
  /** This supervisor goes on as it was. */
  | { type: 'upgrade-failed'; reason: string }
  | { type: 'reload-started'; generation: number; from: number; kind: 'reload' | 'rollback' }
  | { type: 'reload-progress'; generation: number; done: number; total: number }
  | { type: 'reload-done'; generation: number; ms: number }
  | {
      type: 'reload-failed';
      generation: number;
      reason: string;
      lastLines: readonly string[];
      rolledBack: boolean;
      degraded: boolean;
      /** A later reload took its place, so nothing is wrong. */
      superseded: boolean;
      /** The line of the program's own source where it failed, with those around it. */
      frame?: readonly string[];
      /** What runs now; missing where a later reload took its place. */
      standing?: Standing;
    }
  /** How many requests of a dead worker run again in another one. */
  | ({ type: 'requests-replayed'; count: number } & WorkerRef)
  | { type: 'scaled'; from: number; to: number; reason: string }
  | ({ type: 'recycled'; reason: string } & WorkerRef)
  | { type: 'held-back'; what: string; reason: string }
  /** In the last minute, in such a share of its periods (0…1) the CPU quota (null: not known) was used up. `seconds`: all threads' waits. */
  | { type: 'throttled'; share: number; seconds: number; quota: number | null }
  /** The kernel has killed so many processes of the container for its memory limit. */
  | { type: 'out-of-memory'; kills: number; limitBytes: number | null }
  /** From now on the workers' output cannot be written to the log file, or (null) to tutti's own output. */
  | { type: 'output-lost'; file: string | null; reason: string }
  /** It can be written again. `lost`: how many lines are gone for good. */
  | { type: 'output-restored'; file: string | null; lost: number }
  /** `told`: an earlier event has said the same about this worker's end. */
  | ({ type: 'incident'; id: string; summary: string; told: boolean } & WorkerRef)
  /** Where the admin API and the page are, or (`url` null) why the port that was asked for cannot be opened. */
  | { type: 'admin-port'; url: string | null; reason: string | null }
  | { type: 'notice'; level: 'info' | 'warn' | 'error'; message: string };

export type PrimaryState = (typeof primaryStates)[number];
