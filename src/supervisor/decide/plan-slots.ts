// The part of the plan for slots and spares: which slot to fill, which worker to replace, which to let go. Pure; in the primary.

import {
  currentGeneration,
  isHopeless,
  leavingWorkers,
  type Model,
  servingWorkers,
  spares,
  startingWorkers,
} from '../model.ts';
import { hasManyLeaving, isCanary, replacementByReload, wantedGeneration } from '../reload/reload.ts';
import type { Step } from '../vocabulary/steps.ts';
import { type Slot, startAllowedAt } from '../workers/slot.ts';
import { isServing, isStarting, type Worker } from '../workers/worker-state.ts';
import { nextProbeAt } from './circuit.ts';
import type { Deadlines } from './deadlines.ts';
import type { Headroom } from './headroom.ts';
import { recycleReason } from './recycle.ts';

/** How soon the memory is checked again. */
const lookAgainMs = 5_000;

export function planSlots(model: Model, deadlines: Deadlines, headroom: Headroom): Step | null {
  // From the top, so that a scale-down removes the highest slots first.
  for (const slot of [...model.slots].reverse()) {
    const step = planTakeOver(model, slot) ?? (slot.index >= model.target ? planSurplus(model, slot) : null);
    if (step !== null) return step;
  }
  for (const slot of model.slots.slice(0, model.target)) {
    const step =
      slot.serving === null
        ? planFill(model, slot, deadlines, headroom)
        : planReplacement(model, slot, slot.serving, deadlines, headroom);
    if (step !== null) return step;
  }
  return planSpares(model, deadlines, headroom);
}

/**
 * New before old: the old worker leaves when its successor is ready, and could do without a primary that dies in that moment. A canary has to
 * pass first.
 */
function planTakeOver(model: Model, slot: Slot): Step | null {
  const { successor, serving } = slot;
  if (successor === null || isCanary(model, successor)) return null;
  if (serving !== null && !(isServing(successor) && successor.accepting)) return null;
  return { type: 'take-over', slot: slot.index, reason: `replaced by a new worker (${successor.purpose})` };
}

/** Empties a slot above the target, but never so that fewer workers than wanted are ready. */
function planSurplus(model: Model, slot: Slot): Step | null {
  const reason = `scaled to ${model.target}`;
  if (slot.successor !== null) return { type: 'retire', worker: slot.successor, reason };
  if (isStarting(slot.serving)) return { type: 'retire', worker: slot.serving, reason };
  if (!isServing(slot.serving)) return null;
  const others = servingWorkers(model).filter((worker) => worker !== slot.serving && worker.accepting);
  return others.length >= model.target ? { type: 'retire', worker: slot.serving, reason } : null;
}

function planFill(model: Model, slot: Slot, deadlines: Deadlines, headroom: Headroom): Step | null {
  if (slot.finished !== null || isHopeless(model)) return null;
  const generation = wantedGeneration(model);
  const isHeldBack = slot.fresh && generation === model.current && currentGeneration(model).changedInPlace;
  if (isHeldBack) return planHoldBack(model, 'scale-up');

  const hasFailed = slot.earlyDeaths > 0 || slot.shakyDeaths > 0;
  const isLooping = slot.earlyDeaths > 1 || slot.shakyDeaths > 1;
  // A first failure does not delay a spare, but the ration of starts does.
  if (!isLooping && (hasFailed || deadlines.due(slot.retryAt))) {
    const spare = spares(model).find((worker) => worker.state.type === 'spare' && worker.generation === generation);
    if (spare !== undefined) return { type: 'promote', worker: spare, slot: slot.index };
  }
  // If the last worker had served or was killed, the circuit has nothing to protect from.
  const isOpen = model.circuit.openedAt !== null && (hasFailed || slot.fresh);
  const starting = startingWorkers(model).length;
  if (isOpen) {
    if (!slot.toldBroken) return { type: 'note-broken', slot: slot.index };
    const someReady = servingWorkers(model).length > 0;
    if (starting > 0 || !deadlines.due(nextProbeAt(model.circuit, someReady))) return null;
  } else if (starting >= headroom.parallelStarts || !deadlines.due(slot.retryAt)) {
    return null;
  }
  if (!deadlines.due(startAllowedAt(slot))) return null;
  // A slot that lost its worker is always filled again. An added one needs memory of its own.
  const wait = slot.fresh && model.booted ? waitForMemory(model, 'scale-up', deadlines, headroom) : null;
  if (wait !== null) return wait.step;
  return { type: 'fork', slot: slot.index, as: 'serving', generation, purpose: isOpen ? 'probe' : 'fill' };
}

function planReplacement(
  model: Model,
  slot: Slot,
  worker: Worker,
  deadlines: Deadlines,
  headroom: Headroom,
): Step | null {
  // A worker that drains in its slot ends itself. A reload does not wait for that.
  const isThere = isServing(worker) || isStarting(worker) || worker.state.type === 'draining';
  if (slot.successor !== null || !isThere) return null;

  const byReload = replacementByReload(model, worker);
  if (byReload !== null) {
    const underWay = model.slots.filter(({ successor }) => successor !== null).length;
    if (underWay >= model.policy.surge || hasManyLeaving(model)) return null;
    const wait = byReload === 'reload' ? waitForMemory(model, 'reload', deadlines, headroom) : null;
    return wait === null ? forkSuccessor(model, slot, byReload, deadlines) : wait.step;
  }
  if (!isServing(worker)) return null;
  if (worker.replace?.kind === 'replace') return forkSuccessor(model, slot, 'replace', deadlines);

  const reason = worker.replace?.reason ?? recycleReason(model, worker, deadlines);
  if (reason === null || model.reload !== null || model.circuit.openedAt !== null) return null;
  if (currentGeneration(model).changedInPlace) return planHoldBack(model, 'recycle');
  if (model.slots.some(({ successor }) => successor?.purpose === 'recycle') || hasManyLeaving(model)) return null;
  const wait = worker.replace?.isUrgent ? null : waitForMemory(model, 'recycle', deadlines, headroom);
  if (wait !== null) return wait.step;
  const step = forkSuccessor(model, slot, 'recycle', deadlines);
  return step === null ? null : { ...step, reason };
}

function forkSuccessor(
  model: Model,
  slot: Slot,
  purpose: 'reload' | 'rollback' | 'replace' | 'recycle',
  deadlines: Deadlines,
): Extract<Step, { type: 'fork' }> | null {
  if (!deadlines.due(slot.retryAt) || !deadlines.due(startAllowedAt(slot))) return null;
  return { type: 'fork', slot: slot.index, as: 'successor', generation: wantedGeneration(model), purpose };
}

function planSpares(model: Model, deadlines: Deadlines, headroom: Headroom): Step | null {
  const all = spares(model);
  const good = all.filter((worker) => worker.generation === model.current);
  const wanted = model.policy.spares;

  const surplus = good[wanted];
  if (surplus !== undefined) return { type: 'retire', worker: surplus, reason: 'more spares than wanted' };
  const old = all.find((worker) => worker.generation !== model.current);
  if (old !== undefined && good.filter((worker) => worker.state.type === 'spare').length >= wanted) {
    return { type: 'retire', worker: old, reason: 'spare of another generation' };
  }
  if (good.length >= wanted) return null;

  const isBusy = model.circuit.openedAt !== null || (model.reload !== null && model.reload.phase.type !== 'leaving');
  const isFull = model.slots.slice(0, model.target).every((slot) => isServing(slot.serving));
  if (isBusy || !isFull || leavingWorkers(model).length > model.target) return null;
  if (currentGeneration(model).changedInPlace) return planHoldBack(model, 'spare');
  if (!deadlines.due(model.bench.retryAt) || !deadlines.due(startAllowedAt(model.bench))) return null;
  const wait = waitForMemory(model, 'spare', deadlines, headroom);
  if (wait !== null) return wait.step;
  return { type: 'fork', slot: null, as: 'spare', generation: model.current, purpose: 'spare' };
}

/** Starts that can wait are not made from files that mix two versions. This is reported once. */
function planHoldBack(model: Model, what: string): Step | null {
  if (model.heldBack.has(what)) return null;
  const reason = `the files of generation ${model.current} were overwritten on disk: it waits for the next reload`;
  return { type: 'hold-back', what, cause: 'files', reason };
}

/** A start beside the serving workers waits until there is memory. This is reported once, and to every command. */
function waitForMemory(
  model: Model,
  what: 'scale-up' | 'reload' | 'recycle' | 'spare',
  deadlines: Deadlines,
  headroom: Headroom,
): { step: Step | null } | null {
  const reason = headroom.shortage(startingWorkers(model).length);
  if (reason === null) return null;
  deadlines.due(deadlines.now + lookAgainMs);
  // Leaving workers will free the missing memory.
  if (leavingWorkers(model).length > 0) return { step: null };
  const isAsked = what === 'scale-up' ? model.scale !== null : what === 'recycle' && model.recycles.length > 0;
  if (model.heldForMemory.has(what) && !isAsked) return { step: null };
  return { step: { type: 'hold-back', what, cause: 'memory', reason } };
}
