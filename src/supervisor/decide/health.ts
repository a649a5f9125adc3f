// Readiness and liveness verdicts. Pure; in the primary.

import { SUSPECT_MS } from '../../protocol/silence.ts';
import type { Policy } from '../vocabulary/policy.ts';
import type { Worker } from '../workers/worker-state.ts';
import type { Deadlines } from './deadlines.ts';

/** A tick that comes this much too late means that the primary itself did not run. */
const oversleptMs = 1_000;
export const autopsyTimeoutMs = 5_000;

/** Whether the fact that `ready` asks for is known. The probe comes after it. */
export function isReadinessKnown(worker: Worker, ready: Policy['ready']): boolean {
  const { facts } = worker;
  if (ready === 'listening') return facts.listening;
  if (ready === 'message') return facts.saidReady;
  return facts.started;
}

/** What a worker that missed startTimeout was still owing, for the operator. */
export function whatIsMissing(worker: Worker, ready: Policy['ready']): string {
  if (worker.state.type === 'starting' && worker.state.probe !== null) {
    return worker.state.probeFailure === null
      ? 'it did not answer its probe'
      : `its probe failed: ${worker.state.probeFailure}`;
  }
  if (ready === 'listening') return 'it did not listen';
  if (ready === 'message') {
    return worker.facts.listening
      ? "it listens, but did not call process.send('ready')"
      : "it did not call process.send('ready')";
  }
  return 'its main module did not run to its end';
}

export type Liveness = 'alive' | 'suspect' | 'hung';

/** What the silence of a worker's main loop means. A debugger holds the loop by design, so an inspected worker is alive. */
export function livenessOf(worker: Worker, livenessTimeoutMs: number, deadlines: Deadlines): Liveness {
  if (worker.beat?.inspected) return 'alive';
  if (livenessTimeoutMs > 0 && deadlines.due(worker.aliveAt + livenessTimeoutMs)) return 'hung';
  return deadlines.due(worker.aliveAt + SUSPECT_MS) ? 'suspect' : 'alive';
}

/** The primary was stopped, starved or asleep: the silence it sees is its own. */
export function hasOverslept(wakeAt: number | null, now: number): boolean {
  return wakeAt !== null && now > wakeAt + oversleptMs;
}

/** How many workers may be ended for silence within one livenessTimeout: a stall of all of them has a common cause. */
export function hungKillsAllowed(workers: number): number {
  return Math.max(1, Math.floor(workers / 10));
}
