// The part of the configuration that the core decides by. A resolved `Config` (config/options.ts) is assignable to it.

import type { Balance } from '../../protocol/balance.ts';

export interface Policy {
  workers: { min: number; max: number };
  /** With `ports` each slot has ports of its own, which are closed when it has had no worker for holdTimeout. */
  balance?: Balance;
  ready: 'listening' | 'message' | 'started';
  /** The path that a worker must answer with 2xx or 3xx before it counts as ready. */
  probe: string | null;
  probeTimeoutMs: number;
  startTimeoutMs: number;
  canaryTimeMs: number;
  /** How long a stop goes on serving before anything is closed. */
  preStopDelayMs: number;
  drainTimeoutMs: number;
  stopTimeoutMs: number;
  holdTimeoutMs: number;
  /** 0: never. */
  livenessTimeoutMs: number;
  surge: number;
  spares: number;
  /** Failures of new workers that one reload may have before it is rolled back. */
  reloadFailures: number;
  /** 'never': go on, however long no worker has been ready. */
  giveUpMs: number | 'never';
  restart: 'always' | 'on-failure' | 'never';
  /** Exit codes with which a program says that it is done, as with `0` under `on-failure`. */
  stopExitCodes?: readonly number[];
  maxMemoryBytes: number | null;
  maxRequests: number | null;
  maxLifetimeMs: number | null;
  autopsy: boolean;
}
