// The part of the plan that looks at the slots and the spares: which to fill, which worker to replace, which to let go. Pure.

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
import type { Agenda } from './deadlines.ts';
import type { Means } from './headroom.ts';
import { recycleReason } from './recycle.ts';

/** How soon memory is looked at again. */
const lookAgainMs = 5_000;

export function planSlots(model: Model, agenda: Agenda, means: Means): Step | null {
  // From the top, so that a scale down takes the youngest places first.
  for (const slot of [...model.slots].reverse()) {
    const step = planTakeOver(model, slot) ?? (slot.index >= model.target ? planSurplus(model, slot) : null);
    if (step !== null) return step;
  }
  for (const slot of model.slots.slice(0, model.target)) {
    const step =
      slot.serving === null
        ? planFill(model, slot, agenda, means)
        : planReplacement(model, slot, slot.serving, agenda, means);
    if (step !== null) return step;
  }
  return planSpares(model, agenda, means);
}

/** New before old: the old worker leaves when its successor is ready. A canary has to pass first. */
function planTakeOver(model: Model, slot: Slot): Step | null {
  const { successor, serving } = slot;
  if (successor === null || isCanary(model, successor)) return null;
  if (serving !== null && !isServing(successor)) return null;
  return { type: 'take-over', slot: slot.index, reason: `replaced by a new worker (${successor.purpose})` };
}

/** Lets a slot above the target go, but never so that fewer workers than wanted are ready. */
function planSurplus(model: Model, slot: Slot): Step | null {
  const reason = `scaled to ${model.target}`;
  if (slot.successor !== null) return { type: 'retire', worker: slot.successor, reason };
  if (isStarting(slot.serving)) return { type: 'retire', worker: slot.serving, reason };
  if (!isServing(slot.serving)) return null;
  return servingWorkers(model).length > model.target ? { type: 'retire', worker: slot.serving, reason } : null;
}

function planFill(model: Model, slot: Slot, agenda: Agenda, means: Means): Step | null {
  if (slot.finished !== null || isHopeless(model)) return null;
  const generation = wantedGeneration(model);
  const isHeldBack = slot.fresh && generation === model.current && currentGeneration(model).changedInPlace;
  if (isHeldBack) return planHoldBack(model, 'scale-up');

  const hasFailed = slot.earlyDeaths > 0 || slot.shakyDeaths > 0;
  const isLooping = slot.earlyDeaths > 1 || slot.shakyDeaths > 1;
  // A first failure does not make a spare wait, but the ration of starts does.
  if (!isLooping && (hasFailed || agenda.due(slot.retryAt))) {
    const spare = spares(model).find((worker) => worker.state.type === 'spare' && worker.generation === generation);
    if (spare !== undefined) return { type: 'promote', worker: spare, slot: slot.index };
  }
  // Where the last worker had served or was killed, there is nothing to protect from.
  const isOpen = model.circuit.openedAt !== null && (hasFailed || slot.fresh);
  const starting = startingWorkers(model).length;
  if (isOpen) {
    if (!slot.toldBroken) return { type: 'note-broken', slot: slot.index };
    const someReady = servingWorkers(model).length > 0;
    if (starting > 0 || !agenda.due(nextProbeAt(model.circuit, someReady))) return null;
  } else if (starting >= means.parallelStarts || !agenda.due(slot.retryAt)) {
    return null;
  }
  if (!agenda.due(startAllowedAt(slot))) return null;
  // A place that was lost is always filled again; one that is added needs memory of its own.
  const wait = slot.fresh && model.booted ? waitForMemory(model, 'scale-up', agenda, means) : null;
  if (wait !== null) return wait.step;
  return { type: 'fork', slot: slot.index, as: 'serving', generation, purpose: isOpen ? 'probe' : 'fill' };
}

function planReplacement(model: Model, slot: Slot, worker: Worker, agenda: Agenda, means: Means): Step | null {
  // One that drains in its place ends itself; a reload does not wait for that.
  const isThere = isServing(worker) || isStarting(worker) || worker.state.type === 'draining';
  if (slot.successor !== null || !isThere) return null;

  const byReload = replacementByReload(model, worker);
  if (byReload !== null) {
    const underWay = model.slots.filter(({ successor }) => successor !== null).length;
    if (underWay >= model.policy.surge || hasManyLeaving(model)) return null;
    const wait = byReload === 'reload' ? waitForMemory(model, 'reload', agenda, means) : null;
    return wait === null ? forkSuccessor(model, slot, byReload, agenda) : wait.step;
  }
  if (!isServing(worker)) return null;
  if (worker.replace?.kind === 'replace') return forkSuccessor(model, slot, 'replace', agenda);

  const reason = worker.replace?.reason ?? recycleReason(model, worker, agenda);
  if (reason === null || model.reload !== null || model.circuit.openedAt !== null) return null;
  if (currentGeneration(model).changedInPlace) return planHoldBack(model, 'recycle');
  if (model.slots.some(({ successor }) => successor?.purpose === 'recycle') || hasManyLeaving(model)) return null;
  const wait = waitForMemory(model, 'recycle', agenda, means);
  if (wait !== null) return wait.step;
  const step = forkSuccessor(model, slot, 'recycle', agenda);
  return step === null ? null : { ...step, reason };
}

function forkSuccessor(
  model: Model,
  slot: Slot,
  purpose: 'reload' | 'rollback' | 'replace' | 'recycle',
  agenda: Agenda,
): Extract<Step, { type: 'fork' }> | null {
  if (!agenda.due(slot.retryAt) || !agenda.due(startAllowedAt(slot))) return null;
  return { type: 'fork', slot: slot.index, as: 'successor', generation: wantedGeneration(model), purpose };
}

function planSpares(model: Model, agenda: Agenda, means: Means): Step | null {
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
  if (!agenda.due(model.bench.retryAt) || !agenda.due(startAllowedAt(model.bench))) return null;
  const wait = waitForMemory(model, 'spare', agenda, means);
  if (wait !== null) return wait.step;
  return { type: 'fork', slot: null, as: 'spare', generation: model.current, purpose: 'spare' };
}

/** What can wait is not started from files that are a mix of two versions; that is told once. */
function planHoldBack(model: Model, what: string): Step | null {
  if (model.heldBack.has(what)) return null;
  const reason = `the files of generation ${model.current} were overwritten on disk: it waits for the next reload`;
  return { type: 'hold-back', what, cause: 'files', reason };
}

/** What is started beside those that serve waits until there is memory for it. That is told once, and to every command. */
function waitForMemory(
  model: Model,
  what: 'scale-up' | 'reload' | 'recycle' | 'spare',
  agenda: Agenda,
  means: Means,
): { step: Step | null } | null {
  const reason = means.shortage(startingWorkers(model).length);
  if (reason === null) return null;
  agenda.due(agenda.now + lookAgainMs);
  // Who leaves gives back what is missing.
  if (leavingWorkers(model).length > 0) return { step: null };
  const isAsked = what === 'scale-up' ? model.scale !== null : what === 'recycle' && model.recycles.length > 0;
  if (model.heldForMemory.has(what) && !isAsked) return { step: null };
  return { step: { type: 'hold-back', what, cause: 'memory', reason } };
}
