// The part of the plan that looks at all ports of the app: whether its workers listen on the same ones, and which nobody needs any more,
// because code that came with a reload listens elsewhere or the place that alone had a port is gone. Pure.

import { type Model, policyOf, wantedSlots } from '../model.ts';
import type { Step } from '../vocabulary/steps.ts';
import { isServing, type Worker } from '../workers/worker-state.ts';
import type { Deadlines } from './deadlines.ts';

/** A worker that is ready may open further ports for so long; before, nobody can say which it leaves out. */
const settleMs = 2_000;

/**
 * Only when every place is served, by workers that have opened what they open. Until then ports are kept, and whoever drains serves
 * what comes there. While a reload can still fail, so does the port that its old workers need.
 */
export function planPorts(model: Model, deadlines: Deadlines): Step | null {
  if (!model.portsUntidy && !model.portsUnchecked) return null;
  if (model.reload !== null && model.reload.phase.type !== 'leaving') return null;
  for (const { serving, finished } of wantedSlots(model)) {
    if (serving === null && finished !== null) continue;
    if (!isServing(serving) || !deadlines.due(settledAt(model, serving))) return null;
  }
  return { type: model.portsUnchecked ? 'check-ports' : 'shut-ports' };
}

function settledAt(model: Model, worker: Worker): number {
  const ms = worker.facts.listening ? settleMs : policyOf(model, worker).startTimeoutMs;
  return (worker.readyAt ?? worker.forkedAt) + ms;
}
