// Readiness and liveness verdicts. Pure; in the primary.

import { SUSPECT_MS } from '../../protocol/silence.ts';
import type { Policy } from '../vocabulary/policy.ts';
import type { Worker } from '../workers/worker-state.ts';
import type { Deadlines } from './deadlines.ts';

/** A tick that is this late means that the primary itself was stalled. */
const oversleptMs = 1_000;
/** Chosen, not measured. The look at the CPU time alone takes 0.2 s, and loops hang where the machine is overloaded. */
export const autopsyTimeoutMs = 5_000;

/** Whether the worker has done what `ready` asks for. The probe comes after that. */
export function isReadinessKnown(worker: Worker, ready: Policy['ready']): boolean {
  const { facts } = worker;
  if (ready === 'listening') return facts.listening;
  if (ready === 'message') return facts.saidReady;
  return facts.started;
}

/** Tells the operator what a worker that missed startTimeout had not done. */
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

/** Whether the primary was stopped, starved or asleep, so that the silence is its own. */
export function hasOverslept(wakeAt: number | null, now: number): boolean {
  return wakeAt !== null && now > wakeAt + oversleptMs;
}

/** How many workers may be killed for silence within one livenessTimeout. If all stall, the cause is a common one. */
export function hungKillsAllowed(workers: number): number {
  return Math.max(1, Math.floor(workers / 10));
}
