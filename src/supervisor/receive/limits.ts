// What the core makes of limits that change while the app runs, and of memory that runs out. In the primary.

import { megabytes } from '../decide/recycle.ts';
import type { Effects } from '../effects.ts';
import { currentGeneration, leavingWorkers, type Model, servingWorkers } from '../model.ts';
import type { SupervisorInput } from '../vocabulary/inputs.ts';
import { setTarget } from './commands.ts';

/** A worker that was ready for less has hardly grown: to replace it again would help nobody. */
const leastLifeMs = 60_000;

/** The number that the configuration means follows; one that an operator has set stays. */
export function receiveResized(
  model: Model,
  { workers, reason }: Extract<SupervisorInput, { type: 'resized' }>,
  effects: Effects,
): void {
  const before = model.policy.workers;
  const { min, max } = workers;
  if (model.closing !== null || model.farewell !== null || (min === before.min && max === before.max)) return;
  model.policy = { ...model.policy, workers };
  currentGeneration(model).policy = model.policy;
  const isByHand = before.min === before.max && model.target !== before.max;
  if (!isByHand) setTarget(model, Math.min(Math.max(model.target, min), max), reason, effects);
}

/** The largest worker is replaced, new before old and one at a time, before the kernel ends all of them. */
export function receivePressure(
  model: Model,
  { usedBytes, limitBytes }: Extract<SupervisorInput, { type: 'memory-pressure' }>,
  { now }: Effects,
): void {
  if (model.closing !== null || model.reload !== null || model.pinning !== null) return;
  const isBusy = model.slots.some(({ serving, successor }) => successor !== null || serving?.replace != null);
  if (isBusy || leavingWorkers(model).length > 0) return;
  const sizeOf = ({ beat }: { beat: { rssBytes: number } | null }) => beat?.rssBytes ?? 0;
  const [largest] = servingWorkers(model)
    .filter(({ readyAt }) => readyAt !== null && now >= readyAt + leastLifeMs)
    .sort((a, b) => sizeOf(b) - sizeOf(a));
  if (largest === undefined) return;
  const reason = `the container uses ${megabytes(usedBytes)} of ${megabytes(limitBytes)}, and at its limit the kernel would end all of it`;
  largest.replace = { reason, kind: 'recycle', isUrgent: true };
}
