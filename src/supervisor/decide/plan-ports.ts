// The part of the plan for the ports of the app: whether its workers listen on the same ones, and which ports nobody needs any more, because
// reloaded code listens elsewhere or the only slot with a port is gone. Pure; in the primary.

import { hasPortPerSlot } from '../../protocol/balance.ts';
import { type Model, policyOf, wantedSlots } from '../model.ts';
import type { Step } from '../vocabulary/steps.ts';
import { isServing, type Worker } from '../workers/worker-state.ts';
import type { Deadlines } from './deadlines.ts';

/** How long a ready worker may still open ports. Before that, it is unknown which it leaves out. */
const settleMs = 2_000;

/**
 * Only when every slot is served by workers that have opened their ports. Until then ports stay open, and draining workers serve what comes
 * there. While a reload can still fail, the ports of its old workers stay too.
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

/** With `ports`: a slot that is scaled away, or has had no worker for holdTimeout, holds up clients of a proxy that could go to another slot. */
export function planSlotPorts({ policy, slots, target }: Model, deadlines: Deadlines): Step | null {
  if (!hasPortPerSlot(policy.balance)) return null;
  for (const { index, lostAt } of slots) {
    if (lostAt === null) continue;
    if (index >= target || deadlines.due(lostAt + policy.holdTimeoutMs))
      return { type: 'close-slot-ports', slot: index };
  }
  return null;
}

function settledAt(model: Model, worker: Worker): number {
  const ms = worker.facts.listening ? settleMs : policyOf(model, worker).startTimeoutMs;
  return (worker.readyAt ?? worker.forkedAt) + ms;
}
