// The state of reloads: the one that is pinning its code, the one that runs, and the result of the last. Plain data; the rule is in reload.ts.
// In the primary.

import type { Change } from '../picture/standing.ts';
import type { Worker } from '../workers/worker-state.ts';

export interface Pinning {
  generation: number;
  id: number;
  kind: 'reload' | 'rollback';
}

export interface Failure {
  detail: string;
  lastLines: readonly string[];
  frame?: readonly string[];
}

export interface Reload {
  generation: number;
  /** The generation that stays when this one fails. */
  from: number;
  id: number;
  kind: 'reload' | 'rollback';
  startedAt: number;
  phase: ReloadPhase;
  /** Failures of new workers during the roll. */
  failures: Failure[];
  /** How many slots the new generation served when progress was last reported. */
  told: number;
  /** How many old workers overran each timeout. */
  late: Record<'drainTimeout' | 'stopTimeout', number>;
  /** The next worker waits for memory. */
  shortage: { since: number; reason: string } | null;
}

export type ReloadPhase =
  | { type: 'canary'; worker: Worker | null; failure: Failure | null }
  | { type: 'rolling' }
  /** The new generation serves every slot and is the current one. The old workers finish what they have. */
  | { type: 'leaving' }
  | { type: 'rolling-back'; failure: Failure; failures: number };

/** What is remembered of the last reload. */
export interface ReloadResult {
  generation: number;
  startedAt: number;
  done: number;
  total: number;
  kind: 'reload' | 'rollback';
  result: 'done' | 'failed' | 'degraded' | 'superseded';
  error: string | null;
  frame: readonly string[];
  /** What it has left behind, unless it is done or superseded. */
  change: Change | null;
}
