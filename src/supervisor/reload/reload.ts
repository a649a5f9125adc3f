// The rule of what a reload does next. A reload replaces all workers by those of another generation, new before old, behind a canary. Its
// state is in reload-state.ts. Pure; in the primary.
//
//   pinning ──► canary ──► rolling ──► leaving ──► done
//      │          │           │ failures over budget
//   refused    failed         ▼
//              rolling-back ──► failed (or degraded: some workers run the new code, and the old one is gone from the disk)
//
// A pin runs while everything else goes on. Only when it has succeeded does the newer reload supersede the running one.

import type { Deadlines } from '../decide/deadlines.ts';
import { leavingWorkers, type Model, policyOf, servingWorkers, wantedSlots } from '../model.ts';
import type { CommandResult } from '../vocabulary/actions.ts';
import type { Step } from '../vocabulary/steps.ts';
import { closedReason, isOver } from '../workers/own-end.ts';
import { strayDetail, wantedPort } from '../workers/port-search.ts';
import { startAllowedAt } from '../workers/slot.ts';
import { isServing, type Worker } from '../workers/worker-state.ts';
import type { Failure, Reload, ReloadPhase } from './reload-state.ts';

const rollbackFailuresAllowed = 3;
/** A canary that listens on a wrong port, because its own app had the right one, gets this much more than `canaryTime` to correct that. */
const portMs = 2_000;
/** A roll that has had no memory for this long fails. */
const shortageMs = 15_000;

/** The generation that an empty slot is filled from. */
export function wantedGeneration(model: Model): number {
  return model.reload?.phase.type === 'rolling' ? model.reload.generation : model.current;
}

/** Why a worker must be replaced because of its generation, or null. Outside a roll none is. */
export function replacementByReload(model: Model, worker: Worker): 'reload' | 'rollback' | null {
  const { reload } = model;
  if (reload === null) return null;
  if (reload.phase.type === 'rolling') return worker.generation === reload.generation ? null : 'reload';
  if (reload.phase.type === 'rolling-back') return worker.generation === model.current ? null : 'rollback';
  return null;
}

export function isCanary(model: Model, worker: Worker): boolean {
  return model.reload?.phase.type === 'canary' && model.reload.phase.worker === worker;
}

/** How many slots the new generation serves. */
export function progressOf(model: Model, reload: Reload): number {
  return wantedSlots(model).filter(
    (slot) =>
      isServing(slot.serving) && slot.serving.generation === reload.generation && reload.phase.type !== 'canary',
  ).length;
}

/** What the running reload does next as a whole. Single workers are replaced by the plan for slots. */
export function planReload(model: Model, deadlines: Deadlines): Step | null {
  const { reload } = model;
  if (reload === null) return null;
  switch (reload.phase.type) {
    case 'canary':
      return planCanary(model, reload, reload.phase, deadlines);
    case 'rolling': {
      const failure = reload.failures.at(-1);
      if (failure !== undefined && reload.failures.length > model.policy.reloadFailures) {
        return { type: 'reload-fails', failure };
      }
      const { shortage } = reload;
      if (shortage !== null && deadlines.due(shortage.since + shortageMs)) {
        return { type: 'reload-fails', failure: { detail: shortage.reason, lastLines: [] } };
      }
      const isComplete = wantedSlots(model).every(
        (slot) =>
          slot.successor === null &&
          (slot.finished !== null || (isServing(slot.serving) && slot.serving.generation === reload.generation)),
      );
      return isComplete ? { type: 'reload-commits' } : null;
    }
    case 'leaving':
      return isOldGone(model) ? { type: 'reload-ends', result: doneResult(reload) } : null;
    case 'rolling-back': {
      if (reload.phase.failures >= rollbackFailuresAllowed) {
        const reason = `${reload.phase.failure.detail}; and rolling back to generation ${model.current} failed too: ${reload.phase.failures} of its workers failed early`;
        return {
          type: 'reload-ends',
          result: { ...failedResult(model, reload.phase.failure), outcome: 'degraded', reason },
        };
      }
      const isBack = model.slots.every(
        ({ serving, successor }) =>
          (serving === null || serving.generation === model.current) &&
          (successor === null || successor.generation === model.current),
      );
      return isBack ? { type: 'reload-ends', result: failedResult(model, reload.phase.failure) } : null;
    }
  }
}

function planCanary(
  model: Model,
  reload: Reload,
  phase: Extract<ReloadPhase, { type: 'canary' }>,
  deadlines: Deadlines,
): Step | null {
  if (phase.failure !== null) return { type: 'reload-fails', failure: phase.failure };
  const canary = phase.worker;
  if (canary === null) {
    const slot = wantedSlots(model).find((candidate) => candidate.successor === null);
    if (slot === undefined || hasManyLeaving(model) || !deadlines.due(startAllowedAt(slot))) return null;
    return { type: 'fork', slot: slot.index, as: 'successor', generation: reload.generation, purpose: 'canary' };
  }
  if (canary.readyAt === null || !isServing(canary)) return null;
  if (canary.closed !== null) {
    if (!isOver(canary, deadlines)) return null;
    return { type: 'reload-fails', failure: { detail: `the first new worker failed: ${closedReason}`, lastLines: [] } };
  }
  if (!canary.admitted && servingWorkers(model).length === 0) return { type: 'admit', worker: canary };
  const { canaryTimeMs, startTimeoutMs } = policyOf(model, canary);
  const passesAt = canary.readyAt + canaryTimeMs;
  if (!deadlines.due(passesAt)) return null;
  const wanted = wantedPort(canary, servingWorkers(model));
  if (wanted !== null) {
    // It may yet open the right one.
    if (!deadlines.due(passesAt + portMs)) return null;
    return { type: 'reload-fails', failure: { detail: strayDetail(canary, wanted), lastLines: [] } };
  }
  if (canary.state.type === 'ready') return { type: 'canary-passes' };
  if (!deadlines.due(passesAt + startTimeoutMs)) return null;
  return {
    type: 'reload-fails',
    failure: { detail: 'the main loop of the first new worker stands still', lastLines: [] },
  };
}

/** Whether as many workers as wanted are still on their way out. The machine has no room for more. */
export function hasManyLeaving(model: Model): boolean {
  return leavingWorkers(model).length >= model.target;
}

/** Whether the old workers have left. Spares serve nobody and are replaced at their own pace. */
function isOldGone(model: Model): boolean {
  return [...model.workers.values()].every(
    (worker) => worker.generation === model.current || worker.abandoned || worker.slot === null,
  );
}

function doneResult(reload: Reload): CommandResult {
  const { drainTimeout, stopTimeout } = reload.late;
  const late = [
    ...(drainTimeout === 0 ? [] : [`${oldWorkers(drainTimeout)} overran drainTimeout: what was left was cut off`]),
    ...(stopTimeout === 0 ? [] : [`${oldWorkers(stopTimeout)} overran stopTimeout and had to be killed`]),
  ];
  return { outcome: 'done', generation: reload.generation, ...(late.length === 0 ? {} : { detail: late.join('; ') }) };
}

function oldWorkers(count: number): string {
  return count === 1 ? '1 old worker' : `${count} old workers`;
}

export function failedResult(model: Model, { detail, ...rest }: Failure): CommandResult & { outcome: 'failed' } {
  return { outcome: 'failed', reason: detail, ...rest, generation: model.current };
}
