// Carries out one step of the plan: changes the model so that the plan does not ask again, and tells the host. Decides nothing. In the
// primary.

import { autopsyTimeoutMs } from '../decide/health.ts';
import { drawLimits, isQuickRecycle, mostQuickRecycles } from '../decide/recycle.ts';
import type { Effects } from '../effects.ts';
import { type Model, policyOf, slotOf } from '../model.ts';
import { fastStopMs } from '../receive/commands.ts';
import { settleDeath } from '../receive/deaths.ts';
import { isCanary } from '../reload/reload.ts';
import { commitReload, endReload, failReload, passCanary } from '../reload/reload-turns.ts';
import type { Step } from '../vocabulary/steps.ts';
import { noteListeners } from '../workers/listeners.ts';
import { giveWay } from '../workers/own-end.ts';
import { noteStart } from '../workers/slot.ts';
import { transition, type Worker } from '../workers/worker-state.ts';
import { admit } from './admit.ts';
import { applyToPool } from './apply-pool.ts';
import { detach, hurry, refOf, retire } from './retire.ts';

/** How much later than its time limit the answer to an autopsy may come. */
const autopsyGraceMs = 500;

export function apply(model: Model, step: Step, effects: Effects): void {
  switch (step.type) {
    case 'fork':
      fork(model, step, effects);
      return;
    case 'become-ready':
      becomeReady(model, step.worker, effects);
      return;
    case 'promote':
      promote(model, step.worker, step.slot, effects);
      return;
    case 'take-over':
      takeOver(model, step.slot, step.reason, effects);
      return;
    case 'retire':
      retire(model, step.worker, step.reason, effects);
      return;
    case 'let-finish':
      giveWay(model, step.worker, step.reason, effects);
      return;
    case 'hurry':
      hurry(step.worker, effects);
      return;
    case 'probe':
    case 'terminate':
    case 'kill':
    case 'abandon':
    case 'suspect':
    case 'recover':
    case 'autopsy':
    case 'measure-memory':
      applyToWorker(model, step, effects);
      return;
    case 'admit':
      if (step.worker.slot !== null) admit(step.worker, step.worker.slot, effects);
      return;
    case 'canary-passes':
      passCanary(model, effects);
      return;
    case 'reload-progresses':
      progress(model, step.done, effects);
      return;
    case 'reload-commits':
      commitReload(model, effects);
      return;
    case 'reload-fails':
      failReload(model, step.failure, effects);
      return;
    case 'reload-ends':
      endReload(model, step.result, effects);
      return;
    case 'scale-ends':
      if (model.scale !== null) effects.answer(model.scale.id, step.result);
      model.scale = null;
      return;
    case 'recycle-ends':
      model.recycles = model.recycles.filter(({ id }) => id !== step.id);
      effects.answer(step.id, step.result);
      return;
    default:
      applyToPool(model, step, effects);
      return;
  }
}

function applyToWorker(
  model: Model,
  step: Extract<
    Step,
    { type: 'probe' | 'terminate' | 'kill' | 'abandon' | 'suspect' | 'recover' | 'autopsy' | 'measure-memory' }
  >,
  effects: Effects,
): void {
  const { worker } = step;
  const { now } = effects;
  const policy = policyOf(model, worker);
  switch (step.type) {
    case 'probe':
      if (worker.state.type !== 'starting' || policy.probe === null) return;
      worker.state.probe = { type: 'asked' };
      effects.perform({ type: 'probe', worker: worker.id, path: policy.probe, timeoutMs: policy.probeTimeoutMs });
      return;
    case 'terminate': {
      const isFast = model.closing !== null && model.closing.mode !== 'graceful';
      const timeoutMs = isFast ? Math.min(policy.stopTimeoutMs, fastStopMs) : policy.stopTimeoutMs;
      // A worker that already shuts itself down keeps its deadline.
      const keeps = worker.state.type === 'draining' && worker.state.own && !isFast ? worker.state.deadlineAt : now;
      transition(worker, { type: 'stopping', deadlineAt: Math.max(now + timeoutMs, keeps), ending: step.ending });
      effects.perform({ type: 'terminate', worker: worker.id });
      return;
    }
    case 'kill':
      if (step.ending.reason === 'hung') model.hungKills = [...model.hungKills.slice(-63), now];
      transition(worker, { type: 'killing', since: now, ending: step.ending });
      effects.perform({ type: 'kill', worker: worker.id });
      return;
    case 'abandon':
      abandon(model, worker, effects);
      return;
    case 'suspect':
      transition(worker, { type: 'suspect', since: now, autopsyUntil: null });
      effects.report({ type: 'worker-suspect', silentMs: now - worker.aliveAt, ...refOf(worker) });
      return;
    case 'recover': {
      const since = worker.state.type === 'suspect' ? worker.state.since : now;
      transition(worker, { type: 'ready' });
      effects.report({ type: 'worker-recovered', silentMs: now - since, ...refOf(worker) });
      return;
    }
    case 'measure-memory':
      worker.memory = { pssBytes: null, ...worker.memory, askedAt: now, isKnown: false };
      effects.perform({ type: 'measure-memory', worker: worker.id });
      return;
    case 'autopsy':
      if (worker.state.type !== 'suspect') return;
      worker.state.autopsyUntil = now + autopsyTimeoutMs + autopsyGraceMs;
      effects.perform({ type: 'autopsy', worker: worker.id, timeoutMs: autopsyTimeoutMs });
      return;
  }
}

function fork(model: Model, step: Extract<Step, { type: 'fork' }>, effects: Effects): void {
  model.lastWorker += 1;
  const { generation, purpose } = step;
  const policy = model.generations.get(generation)?.policy ?? model.policy;
  const worker: Worker = {
    id: model.lastWorker,
    generation,
    purpose,
    mixed: model.generations.get(generation)?.changedInPlace ?? false,
    forkedAt: effects.now,
    limits: drawLimits(policy, effects.random),
    slot: step.slot,
    state: {
      type: 'starting',
      deadlineAt: effects.now + policy.startTimeoutMs,
      probe: null,
      probeFailure: null,
    },
    pid: null,
    readyAt: null,
    facts: { started: false, listening: false, saidReady: false },
    closed: null,
    listeners: [],
    search: { missed: [], chosen: [] },
    beat: null,
    aliveAt: effects.now,
    beatAt: effects.now,
    answers: 0,
    memory: null,
    replace: null,
    fault: null,
    failing: false,
    abandoned: false,
    admitted: false,
    accepting: false,
  };
  model.workers.set(worker.id, worker);
  model.heldForMemory.clear();
  if (purpose === 'reload' && model.reload !== null) model.reload.shortage = null;
  const slot = step.slot === null ? model.bench : model.slots[step.slot];
  if (slot === undefined) throw new Error(`internal: slot ${step.slot} is to be filled but does not exist.`);
  noteStart(slot, effects.now);
  if (step.reason !== undefined && slot.serving !== null)
    slot.serving.replace ??= { reason: step.reason, kind: 'recycle' };
  if (step.as === 'serving') slot.serving = worker;
  if (step.as === 'successor') slot.successor = worker;
  if (purpose === 'canary' && model.reload?.phase.type === 'canary') model.reload.phase.worker = worker;
  const spare = step.as === 'spare';
  const isReadyByListening = policy.ready === 'listening' && policy.probe === null;
  const gated = spare || purpose === 'canary' || !isReadyByListening;
  effects.perform({ type: 'fork', worker: worker.id, slot: step.slot, generation, spare, gated });
}

function becomeReady(model: Model, worker: Worker, effects: Effects): void {
  worker.aliveAt = effects.now;
  if (worker.slot === null) {
    transition(worker, { type: 'spare' });
    effects.report({ type: 'worker-spare', bootMs: effects.now - worker.forkedAt, ...refOf(worker) });
    model.bench.earlyDeaths = 0;
    return;
  }
  transition(worker, { type: 'ready' });
  model.portsUnchecked = true;
  noteReady(model, worker, effects.now - worker.forkedAt, effects);
  // A canary gets clients only when it has passed: if it dies before, that must not cost a request.
  if (!isCanary(model, worker)) admit(worker, worker.slot, effects);
}

/** A spare takes the empty slot at once. Only its gate is left to open. */
function promote(model: Model, worker: Worker, index: number, effects: Effects): void {
  const slot = model.slots[index];
  if (slot === undefined) return;
  worker.slot = index;
  slot.serving = worker;
  slot.fresh = false;
  transition(worker, { type: 'ready' });
  // It had booted before it was needed.
  noteReady(model, worker, 0, effects);
  admit(worker, index, effects);
}

function noteReady(model: Model, worker: Worker, bootMs: number, effects: Effects): void {
  worker.readyAt = effects.now;
  const slot = slotOf(model, worker);
  if (slot !== null) slot.lostAt = null;
  model.everReady = true;
  effects.report({ type: 'worker-ready', bootMs, ...refOf(worker) });
  noteListeners(model, worker, effects);
}

function takeOver(model: Model, index: number, reason: string, effects: Effects): void {
  const slot = model.slots[index];
  if (slot === undefined) return;
  const { serving: old, successor } = slot;
  slot.serving = successor;
  slot.successor = null;
  slot.finished = null;
  if (old === null) return;
  if (successor?.purpose === 'recycle') {
    effects.report({ type: 'recycled', reason: old.replace?.reason ?? reason, ...refOf(old) });
    noteRecycle(model, old, effects);
  }
  retire(model, old, old.replace?.reason ?? reason, effects);
}

/** If workers hit a limit soon after they are ready, the limit is too low or the leak too fast. This is reported once. */
function noteRecycle(model: Model, old: Worker, effects: Effects): void {
  const { quickRecycles } = model;
  model.quickRecycles = isQuickRecycle(old, effects.now) ? quickRecycles + 1 : 0;
  if (model.quickRecycles !== mostQuickRecycles) return;
  const why =
    old.fault === null
      ? 'the limit is too low, or what it limits grows too fast'
      : 'what runs in them disturbs their channel to tutti';
  const message = `${mostQuickRecycles} workers in a row had to be recycled within a minute of being ready (the last one because ${old.replace?.reason}): ${why}. From now on a worker lives for at least 30 s before it is recycled.`;
  effects.report({ type: 'notice', level: 'warn', message });
}

function progress(model: Model, done: number, effects: Effects): void {
  const { reload } = model;
  if (reload === null) return;
  reload.told = done;
  effects.report({ type: 'reload-progress', generation: reload.generation, done, total: model.target });
}

/** SIGKILL did not end it, because the kernel holds it. Its slot goes to another worker; its exit is reported when it comes. */
function abandon(model: Model, worker: Worker, effects: Effects): void {
  if (worker.state.type !== 'killing') return;
  const { reason, detail } = worker.state.ending;
  const message =
    worker.pid === null
      ? `Worker ${worker.id} was given up before its process had started, and nothing was heard of it within 2 s.`
      : `Worker ${worker.pid} did not end within 2 s after SIGKILL: the kernel still holds it.`;
  effects.report({ type: 'notice', level: 'warn', message });
  const exit = { code: null, signal: null, lastWords: { stderr: [] } };
  settleDeath(model, worker, exit, { reason, detail, lastLines: [] }, effects);
  detach(model, worker);
  worker.abandoned = true;
}
