// Writes what operators order into the model, as the state for the plan to reach. Every command is answered exactly once. In the primary.

import { MOST_WORKERS } from '../../protocol/workers.ts';
import type { Effects } from '../effects.ts';
import { type Closing, currentGeneration, type Model, servingWorkers, wantedSlots } from '../model.ts';
import type { CommandResult } from '../vocabulary/actions.ts';
import type { SupervisorInput } from '../vocabulary/inputs.ts';
import { newSlot } from '../workers/slot.ts';
import { isServing } from '../workers/worker-state.ts';

export type Command = Extract<SupervisorInput, { id: number }>;

/** How long a fast stop waits between SIGTERM and SIGKILL, at most. */
export const fastStopMs = 2_000;

export function receiveCommand(model: Model, input: Command, effects: Effects): void {
  if (input.type === 'stop') {
    receiveStop(model, input, effects);
    return;
  }
  const end = model.closing ?? model.farewell;
  if (end !== null) {
    effects.answer(input.id, { outcome: 'refused', reason: `it is ending: ${end.reason}` });
    return;
  }
  switch (input.type) {
    case 'reload':
    case 'rollback':
      receiveReload(model, input.id, input.type, effects);
      return;
    case 'scale':
      receiveScale(model, input, effects);
      return;
    case 'recycle':
      receiveRecycle(model, input, effects);
      return;
  }
}

/** Pins the new generation while everything else goes on. Only a successful pin supersedes a running reload. */
function receiveReload(model: Model, id: number, kind: 'reload' | 'rollback', effects: Effects): void {
  if (kind === 'rollback' && model.previous === null) {
    effects.answer(id, { outcome: 'refused', reason: 'there is no earlier generation to go back to' });
    return;
  }
  if (model.pinning !== null) effects.answer(model.pinning.id, superseded(kind));
  model.lastGeneration += 1;
  const generation = model.lastGeneration;
  model.pinning = { generation, id, kind };
  const from = kind === 'rollback' && model.previous !== null ? { generation: model.previous } : 'disk';
  effects.perform({ type: 'pin', generation, from });
}

function receiveScale(model: Model, input: Extract<Command, { type: 'scale' }>, effects: Effects): void {
  const to = typeof input.to === 'number' ? input.to : model.target + input.to.by;
  const refuse = (reason: string) => effects.answer(input.id, { outcome: 'refused', reason });
  if (!Number.isInteger(to) || to < 1 || to > MOST_WORKERS) {
    refuse(`the number of workers must be a whole number from 1 to ${MOST_WORKERS}, not ${to}`);
    return;
  }
  const { min, max } = model.policy.workers;
  if (min < max && (to < min || to > max)) {
    refuse(`the configuration allows ${min} to ${max} workers, not ${to}`);
    return;
  }
  if (model.scale !== null) effects.answer(model.scale.id, superseded('scale'));
  model.scale = { id: input.id, from: model.target, to };
  const isMore = to > model.target;
  setTarget(model, to, 'a command', effects);
  if (isMore && model.reload === null && currentGeneration(model).changedInPlace) {
    const reason = `the files of generation ${model.current} were overwritten on disk: new workers wait for the next reload`;
    effects.answer(input.id, { outcome: 'degraded', reason, lastLines: [] });
    model.scale = null;
  }
}

/** Changes the wanted number of workers. Slots that become wanted again begin without a history. */
export function setTarget(model: Model, to: number, reason: string, effects: Effects): void {
  const from = model.target;
  if (to === from) return;
  model.target = to;
  // The samples so far are of another number of workers.
  model.load = [];
  for (let index = from; index < to; index += 1) {
    const slot = model.slots[index];
    if (slot === undefined || (slot.serving === null && slot.successor === null)) model.slots[index] = newSlot(index);
  }
  effects.report({ type: 'scaled', from, to, reason });
}

function receiveRecycle(model: Model, input: Extract<Command, { type: 'recycle' }>, effects: Effects): void {
  const refuse = (reason: string) => effects.answer(input.id, { outcome: 'refused', reason });
  if (model.reload !== null || model.pinning !== null) {
    refuse('a reload is replacing every worker already');
    return;
  }
  if (currentGeneration(model).changedInPlace) {
    refuse(`the files of generation ${model.current} were overwritten on disk; reload instead`);
    return;
  }
  const slots =
    input.slot === null ? wantedSlots(model) : wantedSlots(model).filter(({ index }) => index === input.slot);
  const workers = slots.map(({ serving }) => serving).filter(isServing);
  if (workers.length === 0) {
    refuse(input.slot === null ? 'no worker is ready' : `slot ${input.slot} has no worker that is ready`);
    return;
  }
  for (const worker of workers) worker.replace ??= { reason: input.reason, kind: 'recycle' };
  model.recycles.push({ id: input.id, workers: new Set(workers.map(({ id }) => id)) });
}

/** The first stop is as gentle as asked. Every further one is one step harder, and the first step is to wait no longer. */
function receiveStop(model: Model, input: Extract<Command, { type: 'stop' }>, effects: Effects): void {
  model.stops.push(input.id);
  const { preStopDelayMs } = model.policy;
  const isFirst = model.closing === null && model.farewell === null;
  if (isFirst && !input.fast && preStopDelayMs > 0 && servingWorkers(model).length > 0) {
    model.farewell = { until: effects.now + preStopDelayMs, reason: input.reason };
    return;
  }
  if (model.closing === null) {
    beginClosing(model, input.fast ? 'fast' : 'graceful', 0, model.farewell?.reason ?? input.reason, effects);
    return;
  }
  model.closing.mode = model.closing.mode === 'graceful' ? 'fast' : 'now';
  const latest = effects.now + fastStopMs;
  for (const { state } of model.workers.values()) {
    if (state.type === 'stopping') state.deadlineAt = Math.min(state.deadlineAt, latest);
  }
}

/** From here on nothing is started, and the primary exits with `code` when the last worker has ended. */
export function beginClosing(
  model: Model,
  mode: Closing['mode'],
  code: number,
  reason: string,
  effects: Effects,
): void {
  model.closing = { mode, code, reason, since: effects.now, portsShut: false };
  const result: CommandResult = { outcome: 'failed', reason: `it ended first: ${reason}`, lastLines: [] };
  if (model.pinning !== null) effects.answer(model.pinning.id, result);
  if (model.reload !== null) {
    const isServed = model.reload.phase.type === 'leaving';
    effects.answer(model.reload.id, isServed ? { outcome: 'done', generation: model.reload.generation } : result);
  }
  if (model.scale !== null) effects.answer(model.scale.id, result);
  for (const { id } of model.recycles) effects.answer(id, result);
  model.pinning = null;
  model.reload = null;
  model.scale = null;
  model.recycles = [];
}

export function superseded(kind: string): CommandResult {
  return { outcome: 'superseded', reason: `a later ${kind} took its place` };
}
