// Ends workers on purpose, and collects the facts about a worker that reports need. In the primary; the drain itself is in
// src/worker/drain/drain.ts.

import type { Effects } from '../effects.ts';
import { type Model, policyOf, slotOf } from '../model.ts';
import { isServing, transition, type Worker } from '../workers/worker-state.ts';

/** The core's deadline comes this much after the worker's own, so that the worker can still say what was left. */
const drainGraceMs = 500;

/** Takes it out of its slot and ends it as gently as its state allows: a serving worker is drained, any other is told to end. */
export function retire(model: Model, worker: Worker, reason: string, effects: Effects): void {
  const slot = slotOf(model, worker);
  if (slot?.serving === worker) slot.lostAt ??= effects.now;
  detach(model, worker);
  model.portsUntidy = true;
  if (worker.closed?.ending && isServing(worker)) letFinish(model, worker, reason, effects);
  else if (isServing(worker)) {
    const timeoutMs = policyOf(model, worker).drainTimeoutMs;
    const stop = model.closing !== null;
    transition(worker, {
      type: 'draining',
      since: effects.now,
      deadlineAt: effects.now + timeoutMs + drainGraceMs,
      reason,
      own: false,
      stop,
    });
    effects.report({ type: 'worker-draining', reason, ...refOf(worker) });
    effects.perform({ type: 'drain', worker: worker.id, timeoutMs, stop });
  } else if (worker.state.type === 'starting' || worker.state.type === 'spare') {
    transition(worker, {
      type: 'stopping',
      deadlineAt: effects.now + policyOf(model, worker).stopTimeoutMs,
      ending: { reason: 'planned', detail: reason },
    });
    effects.perform({ type: 'terminate', worker: worker.id });
  }
}

/** It ends itself, and gets as much time as a worker that we end. */
export function letFinish(model: Model, worker: Worker, reason: string, effects: Effects): void {
  const { drainTimeoutMs, stopTimeoutMs } = policyOf(model, worker);
  const since = worker.closed?.at ?? effects.now;
  const deadlineAt = since + drainTimeoutMs + stopTimeoutMs;
  transition(worker, { type: 'draining', since, deadlineAt, reason, own: true, stop: false });
  effects.report({ type: 'worker-draining', reason, ...refOf(worker) });
}

/** Tells a draining worker that the whole app stops, so that no worker takes over. */
export function hurry(worker: Worker, effects: Effects): void {
  const { state } = worker;
  if (state.type !== 'draining') return;
  state.stop = true;
  const timeoutMs = Math.max(0, state.deadlineAt - drainGraceMs - effects.now);
  effects.perform({ type: 'drain', worker: worker.id, timeoutMs, stop: true });
}

/** The worker no longer holds a slot. */
export function detach(model: Model, worker: Worker): void {
  const slot = slotOf(model, worker);
  if (slot?.serving === worker) slot.serving = null;
  if (slot?.successor === worker) slot.successor = null;
  const phase = model.reload?.phase;
  if (phase?.type === 'canary' && phase.worker === worker) phase.worker = null;
}

export function refOf(worker: Worker): { slot: number | null; pid: number | null; generation: number } {
  return { slot: worker.slot, pid: worker.pid, generation: worker.generation };
}
