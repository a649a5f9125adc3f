// The part of the plan for one worker at a time: what its state and its deadlines ask for. Pure; in the primary.

import { type Model, policyOf } from '../model.ts';
import { isCanary } from '../reload/reload.ts';
import type { Step } from '../vocabulary/steps.ts';
import { closedReason, isOver } from '../workers/own-end.ts';
import type { Ending, Worker } from '../workers/worker-state.ts';
import type { Deadlines } from './deadlines.ts';
import { hungKillsAllowed, isReadinessKnown, livenessOf, whatIsMissing } from './health.ts';
import { wantsMeasuring } from './recycle.ts';

/** After SIGKILL a process is gone within milliseconds, unless the kernel is stuck. */
const killMs = 2_000;

export function planWorkers(model: Model, deadlines: Deadlines): Step | null {
  for (const worker of model.workers.values()) {
    const step = planWorker(model, worker, deadlines);
    if (step !== null) return step;
  }
  return null;
}

function planWorker(model: Model, worker: Worker, deadlines: Deadlines): Step | null {
  const { state } = worker;
  switch (state.type) {
    case 'starting':
      return planStarting(model, worker, state, deadlines);
    case 'spare':
    case 'ready':
    case 'suspect':
      if (model.closing !== null) return null;
      return (
        planClosed(model, worker, deadlines) ??
        planMeasuring(worker, deadlines) ??
        planLiveness(model, worker, deadlines)
      );
    case 'draining': {
      if (!deadlines.due(state.deadlineAt)) return null;
      const what = state.own ? 'it did not end by itself' : 'its drain took too long';
      const ending: Ending = { reason: 'timed-out', detail: `${state.reason}; ${what}`, overran: 'drainTimeout' };
      return { type: 'terminate', worker, ending };
    }
    case 'stopping':
      if (!deadlines.due(state.deadlineAt)) return null;
      return { type: 'kill', worker, ending: overdue(state.ending) };
    case 'killing':
      return !worker.abandoned && deadlines.due(state.since + killMs) ? { type: 'abandon', worker } : null;
    case 'exited':
      return null;
  }
}

/** A planned end that had to be forced no longer counts as planned. */
function overdue(ending: Ending): Ending {
  return ending.reason === 'planned'
    ? { reason: 'timed-out', detail: `${ending.detail}; it did not end after SIGTERM`, overran: 'stopTimeout' }
    : ending;
}

function planStarting(
  model: Model,
  worker: Worker,
  state: Extract<Worker['state'], { type: 'starting' }>,
  deadlines: Deadlines,
): Step | null {
  const policy = policyOf(model, worker);
  if (deadlines.due(state.deadlineAt)) {
    const detail = `${whatIsMissing(worker, policy.ready)} within ${policy.startTimeoutMs} ms`;
    return { type: 'terminate', worker, ending: { reason: 'never-ready', detail } };
  }
  if (model.closing !== null || !isReadinessKnown(worker, policy.ready)) return null;
  const probe = state.probe ?? { type: 'wanted', at: deadlines.now };
  if (policy.probe === null || probe.type === 'passed') return { type: 'become-ready', worker };
  return probe.type === 'wanted' && deadlines.due(probe.at) ? { type: 'probe', worker } : null;
}

/** A canary is excepted: the reload has its own rule for it. */
function planClosed(model: Model, worker: Worker, deadlines: Deadlines): Step | null {
  if (isCanary(model, worker) || !isOver(worker, deadlines)) return null;
  return { type: 'let-finish', worker, reason: closedReason };
}

function planMeasuring(worker: Worker, deadlines: Deadlines): Step | null {
  return wantsMeasuring(worker, deadlines) ? { type: 'measure-memory', worker } : null;
}

function planLiveness(model: Model, worker: Worker, deadlines: Deadlines): Step | null {
  const { state } = worker;
  const { policy } = model;
  const liveness = livenessOf(worker, policy.livenessTimeoutMs, deadlines);
  if (liveness === 'alive') return state.type === 'suspect' ? { type: 'recover', worker } : null;
  if (liveness === 'suspect') return state.type === 'ready' ? { type: 'suspect', worker } : null;

  const ending: Ending = { reason: 'hung', detail: `its main loop stood still for ${policy.livenessTimeoutMs} ms` };
  if (state.type === 'suspect' && state.autopsyUntil !== null) {
    return deadlines.due(state.autopsyUntil) ? { type: 'kill', worker, ending } : null;
  }
  if (state.type === 'ready') return { type: 'suspect', worker };
  const recent = model.hungKills.filter((at) => at > deadlines.now - policy.livenessTimeoutMs);
  const oldest = recent[0];
  const examined = [...model.workers.values()].filter(
    (other) => other.state.type === 'suspect' && other.state.autopsyUntil !== null,
  );
  if (recent.length + examined.length >= hungKillsAllowed(model.target)) {
    if (oldest !== undefined) deadlines.due(oldest + policy.livenessTimeoutMs);
    return null;
  }
  return policy.autopsy && state.type === 'suspect' ? { type: 'autopsy', worker } : { type: 'kill', worker, ending };
}
