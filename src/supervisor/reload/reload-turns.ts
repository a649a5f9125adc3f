// The turns of a reload: begun, passed, committed, failed, ended. Changes the model; the plan decides when. In the primary.

import { admit } from '../apply/admit.ts';
import { retire } from '../apply/retire.ts';
import { closeCircuit } from '../decide/circuit.ts';
import type { Effects } from '../effects.ts';
import { currentGeneration, type Model, newGeneration, servingWorkers, startingWorkers } from '../model.ts';
import { standingOf } from '../picture/count-standing.ts';
import type { Change } from '../picture/standing.ts';
import { setTarget, superseded } from '../receive/commands.ts';
import type { CommandResult } from '../vocabulary/actions.ts';
import type { SupervisorInput } from '../vocabulary/inputs.ts';
import type { Policy } from '../vocabulary/policy.ts';
import { forgive } from '../workers/slot.ts';
import { isServing } from '../workers/worker-state.ts';
import { failedResult, progressOf } from './reload.ts';
import type { Failure, Reload, ReloadResult } from './reload-state.ts';

export type GenerationInput = Extract<SupervisorInput, { generation: number }>;

export function receiveGeneration(model: Model, input: GenerationInput, effects: Effects): void {
  switch (input.type) {
    case 'generation-changed-in-place': {
      const generation = model.generations.get(input.generation);
      if (generation !== undefined) generation.changedInPlace = true;
      return;
    }
    case 'generation-refused':
      if (model.pinning?.generation === input.generation) refused(model, input.reason, effects);
      return;
    case 'generation-pinned':
      if (model.pinning?.generation === input.generation) {
        begin(model, input, effects);
        return;
      }
      // The reload that asked for it was superseded, or the primary is ending.
      effects.perform({ type: 'unpin', generation: input.generation });
      return;
  }
}

function refused(model: Model, reason: string, effects: Effects): void {
  const { pinning } = model;
  if (pinning === null) return;
  model.pinning = null;
  const { generation, kind, id } = pinning;
  const result = failedResult(model, { detail: reason, lastLines: [] });
  tell(model, { generation, kind, id, startedAt: effects.now, done: 0 }, result, 'unchanged', effects);
}

function begin(model: Model, input: Extract<GenerationInput, { type: 'generation-pinned' }>, effects: Effects): void {
  const { pinning } = model;
  if (pinning === null) return;
  const shortage = pinning.kind === 'reload' ? surgeShortage(model, effects) : null;
  if (shortage !== null) {
    effects.perform({ type: 'unpin', generation: input.generation });
    refused(model, shortage, effects);
    return;
  }
  if (model.reload !== null) supersede(model, model.reload, effects);
  model.pinning = null;
  if (input.changedInPlace) currentGeneration(model).changedInPlace = true;
  const { generation, entry } = input;
  const source = pinning.kind === 'rollback' ? model.generations.get(model.previous ?? 0) : undefined;
  const policy = { ...(source?.policy ?? model.policy), ...input.policy };
  model.generations.set(generation, { number: generation, entry, policy, ...newGeneration });
  model.reload = {
    generation,
    from: model.current,
    id: pinning.id,
    kind: pinning.kind,
    startedAt: effects.now,
    phase: { type: 'canary', worker: null, failure: null },
    failures: [],
    told: 0,
    late: { drainTimeout: 0, stopTimeout: 0 },
    shortage: null,
  };
  effects.report({ type: 'reload-started', generation, from: model.current, kind: pinning.kind });
}

/**
 * The canary and the roll need memory for one more worker than serve. A rollback is exempt: it is what an operator does when something is
 * wrong already.
 */
function surgeShortage(model: Model, effects: Effects): string | null {
  if (servingWorkers(model).length < model.target || model.reload !== null) return null;
  return effects.shortage(startingWorkers(model).length);
}

/** A later reload is ready. The running one ends where it is, and the new one goes on from there. */
function supersede(model: Model, reload: Reload, effects: Effects): void {
  const { phase } = reload;
  if (phase.type === 'leaving') {
    endReload(model, { outcome: 'done', generation: reload.generation }, effects);
    return;
  }
  if (phase.type === 'canary' && phase.worker !== null) retire(model, phase.worker, 'superseded', effects);
  retireUnready(model, 'superseded', effects);
  const result = phase.type === 'rolling-back' ? failedResult(model, phase.failure) : superseded('reload');
  endReload(model, result, effects);
}

/** Ends new workers that do not serve yet. */
function retireUnready(model: Model, reason: string, effects: Effects): void {
  for (const { serving, successor } of model.slots) {
    for (const worker of [serving, successor]) {
      if (worker === null || worker.generation === model.current || isServing(worker)) continue;
      retire(model, worker, reason, effects);
    }
  }
}

/** The new code works. It fills all empty slots at once, and so cures a crash loop. */
export function passCanary(model: Model, effects: Effects): void {
  if (model.reload === null) return;
  const { phase } = model.reload;
  const canary = phase.type === 'canary' ? phase.worker : null;
  if (canary !== null && canary.slot !== null) admit(canary, canary.slot, effects);
  model.reload.phase = { type: 'rolling' };
  for (const slot of model.slots) {
    forgive(slot);
    slot.finished = null;
  }
  forgive(model.bench);
  openTheWay(model, effects);
}

/** Closes the circuit, and lets every slot start at once. */
export function openTheWay(model: Model, effects: Effects): void {
  for (const slot of [...model.slots, model.bench]) {
    slot.retryAt = 0;
    slot.toldBroken = false;
  }
  if (model.circuit.openedAt === null) return;
  const earlyDeaths = model.circuit.deaths.length;
  closeCircuit(model.circuit);
  effects.report({ type: 'circuit', state: 'closed', earlyDeaths, windowMs: 0 });
}

export function commitReload(model: Model, effects: Effects): void {
  const { reload } = model;
  if (reload === null) return;
  model.previous = model.current;
  model.current = reload.generation;
  model.heldBack.clear();
  reload.phase = { type: 'leaving' };
  adoptPolicy(model, currentGeneration(model).policy, effects);
}

/** From now on these rules apply to the pool. A number of workers that an operator set stays until the configuration changes it. */
export function adoptPolicy(model: Model, policy: Policy, effects: Effects): void {
  const before = model.policy.workers;
  const { min, max } = policy.workers;
  model.policy = policy;
  currentGeneration(model).policy = policy;
  if (min === before.min && max === before.max) return;
  setTarget(model, Math.min(Math.max(model.target, min), max), 'the configuration changed', effects);
}

/** The old generation stays. Replaced slots go back to it, if its code still exists. */
export function failReload(model: Model, failure: Failure, effects: Effects): void {
  const { reload } = model;
  if (reload === null) return;
  if (reload.phase.type === 'canary' && reload.phase.worker !== null) {
    retire(model, reload.phase.worker, 'the reload failed', effects);
  }
  retireUnready(model, 'the reload failed', effects);
  const isGone = currentGeneration(model).changedInPlace;
  const isMixed = model.slots.some(({ serving }) => serving !== null && serving.generation !== model.current);
  if (isGone) {
    // Living workers stay, whatever code they run.
    const result = failedResult(model, failure);
    endReload(model, isMixed ? { ...result, outcome: 'degraded' } : result, effects);
  } else if (isMixed) {
    for (const slot of model.slots) forgive(slot);
    reload.phase = { type: 'rolling-back', failure, failures: 0 };
  } else {
    endReload(model, failedResult(model, failure), effects);
  }
}

export function endReload(model: Model, result: CommandResult, effects: Effects): void {
  const { reload } = model;
  if (reload === null) return;
  const isBack = reload.phase.type === 'rolling-back' && result.outcome === 'failed';
  const change = isBack ? 'taken-back' : result.outcome === 'degraded' ? 'in-part' : 'unchanged';
  tell(model, { ...reload, done: progressOf(model, reload) }, result, change, effects);
  model.reload = null;
  model.portsUntidy = true;
}

type Ended = Pick<ReloadResult, 'generation' | 'kind' | 'startedAt' | 'done'> & { id: number };

/** Reports and answers the end of a reload, and remembers it. */
function tell(model: Model, ended: Ended, result: CommandResult, change: Change, effects: Effects): void {
  const { generation, kind, startedAt, done, id } = ended;
  const isShort = result.outcome === 'failed' || result.outcome === 'degraded';
  const told = isShort ? { ...result, standing: standingOf(model, change) } : result;
  if (result.outcome === 'done') {
    effects.report({ type: 'reload-done', generation, ms: effects.now - startedAt });
  } else {
    effects.report({
      type: 'reload-failed',
      generation,
      reason: result.reason,
      lastLines: 'lastLines' in result ? result.lastLines : [],
      rolledBack: isShort && change === 'taken-back',
      degraded: result.outcome === 'degraded',
      superseded: result.outcome === 'superseded',
      ...('standing' in told && { standing: told.standing }),
      ...('frame' in told && { frame: told.frame }),
    });
  }
  effects.answer(id, told);
  model.lastReload = {
    generation,
    kind,
    startedAt,
    done,
    total: model.target,
    result: result.outcome === 'refused' ? 'failed' : result.outcome,
    error: result.outcome === 'done' ? null : result.reason,
    frame: ('frame' in told && told.frame) || [],
    change: isShort ? change : null,
  };
}

/** Unpins generations that nothing refers to any more. */
export function dropGenerations(model: Model, effects: Effects): void {
  const used = new Set<number | null>([model.current, model.previous, model.reload?.generation ?? null]);
  for (const { generation } of model.workers.values()) used.add(generation);
  for (const generation of model.generations.keys()) {
    if (used.has(generation)) continue;
    model.generations.delete(generation);
    effects.perform({ type: 'unpin', generation });
  }
}
