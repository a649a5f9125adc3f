// The whole plan: (wanted, actual, now) → the next step, or none. Level-triggered: it looks at the state, never at the event that led to it, so
// start, reload, scale, recycle, restart and stop are one function. Pure; in the primary.

import { isHopeless, type Model, servingWorkers, startingWorkers, wantedSlots } from '../model.ts';
import { planReload, progressOf } from '../reload/reload.ts';
import type { Step } from '../vocabulary/steps.ts';
import { provenMs } from './backoff.ts';
import { nextProbeAt } from './circuit.ts';
import type { Deadlines } from './deadlines.ts';
import type { Headroom } from './headroom.ts';
import { planAutoscale } from './load-average.ts';
import { planPorts, planSlotPorts } from './plan-ports.ts';
import { planSlots } from './plan-slots.ts';
import { planWorkers } from './plan-workers.ts';

/** A worker that lived for less does not close the circuit, even if canaryTime is shorter. */
const leastProbeLifeMs = 1_000;
const bootFailures = 3;

export function plan(model: Model, deadlines: Deadlines, headroom: Headroom): Step | null {
  if (model.closing !== null) return planClosing(model, deadlines);
  const { farewell } = model;
  if (farewell !== null && deadlines.due(farewell.until)) {
    return { type: 'close', mode: 'graceful', code: 0, reason: farewell.reason };
  }
  return (
    planEnd(model) ??
    planWorkers(model, deadlines) ??
    planPool(model, deadlines) ??
    planReload(model, deadlines) ??
    planPorts(model, deadlines) ??
    planSlotPorts(model, deadlines) ??
    planProgress(model) ??
    planSlots(model, deadlines, headroom) ??
    planAutoscale(model, deadlines.now, headroom) ??
    planCommands(model)
  );
}

/** The primary leaves: every worker is ended, as gently as the mode allows. */
function planClosing(model: Model, deadlines: Deadlines): Step | null {
  const { closing } = model;
  if (closing === null) return null;
  // This comes first: new clients would wait for workers that leave.
  if (!closing.portsShut) return { type: 'shut-ports' };
  const alive = [...model.workers.values()].filter((worker) => !worker.abandoned && worker.state.type !== 'exited');
  if (alive.length === 0) return { type: 'exit' };
  for (const worker of alive) {
    const { type } = worker.state;
    if (type === 'killing') continue;
    const ending = { reason: 'planned', detail: closing.reason } as const;
    if (closing.mode === 'now' || worker.failing) return { type: 'kill', worker, ending };
    if (type === 'stopping') continue;
    if (closing.mode === 'fast') return { type: 'terminate', worker, ending };
    if (type !== 'draining') return { type: 'retire', worker, reason: closing.reason };
    // A worker that shuts itself down gets the signal, as under plain node.
    if (worker.state.own) return { type: 'terminate', worker, ending };
    if (!worker.state.stop) return { type: 'hurry', worker };
  }
  return planWorkers(model, deadlines);
}

/** Whether there is nothing left to supervise, or nothing that could work. */
function planEnd(model: Model): Step | null {
  const slots = wantedSlots(model);
  if (model.reload !== null || model.pinning !== null) return null;
  if (slots.every((slot) => slot.finished !== null && slot.serving === null && slot.successor === null)) {
    const done = [0, ...(model.policy.stopExitCodes ?? [])];
    const isSuccess = slots.every(
      ({ finished }) => finished !== null && finished.code !== null && done.includes(finished.code),
    );
    const code = isSuccess ? 0 : model.everReady ? 1 : 3;
    return { type: 'close', mode: 'graceful', code, reason: 'every worker has finished' };
  }
  if (model.everReady) return null;
  const hasFailed = slots.every(
    (slot) => slot.earlyDeaths >= bootFailures || slot.missedStart || slot.finished !== null,
  );
  const isLost = isHopeless(model) && startingWorkers(model).every(({ failing }) => failing);
  if (!hasFailed && !isLost && model.circuit.openedAt === null) return null;
  const failure = slots.find((slot) => slot.lastFailure !== null)?.lastFailure;
  return {
    type: 'close',
    mode: 'fast',
    code: 3,
    reason: `no worker became ready${failure ? `: ${failure.detail}` : ''}`,
  };
}

function planPool(model: Model, deadlines: Deadlines): Step | null {
  const { policy, circuit } = model;
  for (const worker of servingWorkers(model)) {
    if (worker.readyAt === null) continue;
    const generation = model.generations.get(worker.generation);
    if (generation !== undefined && !generation.proven && deadlines.due(worker.readyAt + provenMs)) {
      return { type: 'note-proven', generation: worker.generation };
    }
    const lives = Math.max(policy.canaryTimeMs, leastProbeLifeMs);
    const isProbe = circuit.openedAt !== null && worker.readyAt >= circuit.openedAt && worker.state.type === 'ready';
    if (isProbe && deadlines.due(worker.readyAt + lives)) return { type: 'close-circuit' };
  }
  // Every slot is served by a worker from before the trouble, so there is nothing to try and nothing to protect from.
  const isFull =
    circuit.openedAt !== null && wantedSlots(model).every(({ serving }) => serving?.state.type === 'ready');
  if (isFull && deadlines.due(nextProbeAt(circuit, true))) return { type: 'close-circuit' };
  if (model.noneReadySince === null || !model.everReady) return null;
  if (!model.portsClosed && deadlines.due(model.noneReadySince + policy.holdTimeoutMs)) return { type: 'close-ports' };
  if (policy.giveUpMs === 'never' || model.reload !== null) return null;
  if (!deadlines.due(model.noneReadySince + policy.giveUpMs)) return null;
  return { type: 'close', mode: 'fast', code: 75, reason: `no worker has been ready for ${policy.giveUpMs} ms` };
}

function planProgress(model: Model): Step | null {
  const { reload } = model;
  if (reload === null || reload.phase.type !== 'rolling') return null;
  const done = progressOf(model, reload);
  return done === reload.told ? null : { type: 'reload-progresses', done };
}

/** A command ends when the state is as it asked. */
function planCommands(model: Model): Step | null {
  const { scale, circuit } = model;
  if (scale !== null) {
    const isFull = wantedSlots(model).every((slot) => slot.finished !== null || slot.serving?.state.type === 'ready');
    const isEmptied = [...model.workers.values()].every(
      (worker) => worker.slot === null || worker.slot < model.target || worker.abandoned,
    );
    const stuck = wantedSlots(model).find(
      (slot) =>
        slot.serving === null && (slot.earlyDeaths >= bootFailures || (circuit.openedAt !== null && !slot.fresh)),
    );
    if (stuck !== undefined) {
      const detail = stuck.lastFailure?.detail ?? 'its workers die early';
      const reason = `slot ${stuck.index} cannot be filled (${detail}); it is started again by backoff`;
      const lastLines = stuck.lastFailure?.lastLines ?? [];
      return { type: 'scale-ends', result: { outcome: 'degraded', reason, lastLines } };
    }
    if (isFull && isEmptied) return { type: 'scale-ends', result: { outcome: 'done', detail: `${scale.to} workers` } };
  }
  for (const command of model.recycles) {
    const isReplaced = [...command.workers].every((id) => !model.workers.has(id));
    if (isReplaced) return { type: 'recycle-ends', id: command.id, result: { outcome: 'done' } };
  }
  return null;
}
