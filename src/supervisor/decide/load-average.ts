// Collects the load from the heartbeats for the autoscaler, and is its part of the plan. Pure; in the primary.

import { SILENT_MS } from '../../protocol/silence.ts';
import { type Model, servingWorkers, startingWorkers, wantedSlots } from '../model.ts';
import type { Step } from '../vocabulary/steps.ts';
import type { Worker } from '../workers/worker-state.ts';
import { decideScale, withSample } from './autoscale.ts';
import type { Headroom } from './headroom.ts';

function isAutoscaled({ policy }: Model): boolean {
  return policy.workers.min < policy.workers.max;
}

/** Takes a sample if one is due. While workers come and go, their load says nothing about the wanted number. */
export function noteLoad(model: Model, now: number): void {
  if (!isAutoscaled(model) || !isSteady(model)) return;
  const workers = servingWorkers(model).filter((worker) => worker.beat !== null);
  if (workers.length < model.target) return;
  const mean = (of: (worker: Worker) => number) =>
    workers.reduce((sum, worker) => sum + of(worker), 0) / workers.length;
  // A silent worker is busy, not idle.
  const silenceMs = ({ aliveAt }: Worker) => (now - aliveAt > SILENT_MS ? now - aliveAt : 0);
  const sample = {
    at: now,
    utilization: mean((worker) => (silenceMs(worker) > 0 ? 1 : (worker.beat?.eventLoopUtilization ?? 0))),
    delayMs: mean((worker) => Math.max(silenceMs(worker), worker.beat?.eventLoopDelayP99Ms ?? 0)),
  };
  model.load = withSample(model.load, sample, model.autoscaleTimes);
}

export function planAutoscale(model: Model, now: number, headroom: Headroom): Step | null {
  if (!isAutoscaled(model) || !isSteady(model) || model.load.at(-1)?.at !== now) return null;
  const { min, max } = model.policy.workers;
  const decision = decideScale({ workers: model.target, min, max, samples: model.load, now }, model.autoscaleTimes);
  if (decision === null) return null;
  const shortage = decision.to > model.target ? headroom.shortage(startingWorkers(model).length) : null;
  if (shortage === null) return { type: 'autoscale', ...decision };
  if (model.heldForMemory.has('scale-up')) return null;
  return { type: 'hold-back', what: 'scale-up', cause: 'memory', reason: `${decision.reason}, but ${shortage}` };
}

/** Whether nothing changes at the moment, so that the load is that of the wanted workers. */
function isSteady(model: Model): boolean {
  const isQuiet = model.reload === null && model.pinning === null && model.scale === null;
  return (
    isQuiet &&
    model.booted &&
    model.circuit.openedAt === null &&
    wantedSlots(model).every(({ serving }) => serving?.readyAt != null)
  );
}
