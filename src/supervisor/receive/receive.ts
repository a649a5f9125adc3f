// Writes what the host reports of workers and generations into the model. It decides nothing: the plan does that afterwards. Messages and
// exits overtake one another, so inputs for workers that are unknown, dead or past that state are dropped. In the primary.

import type { Heartbeat, RequestCounts } from '../../protocol/messages.ts';
import { detach, refOf, retire } from '../apply/retire.ts';
import { noteLoad } from '../decide/load-average.ts';
import type { Effects } from '../effects.ts';
import { type Model, policyOf } from '../model.ts';
import type { SupervisorInput } from '../vocabulary/inputs.ts';
import { noteListeners } from '../workers/listeners.ts';
import { noteClients } from '../workers/one-client.ts';
import { receiveClosed, receiveReopened } from '../workers/own-end.ts';
import { isServing, transition, type Worker } from '../workers/worker-state.ts';
import { classifyExit, type Exit, settleDeath } from './deaths.ts';

/** Chosen, not measured: a probe costs the application a request, and a reload waits for it. */
const probeAgainMs = 500;

export type WorkerInput = Extract<SupervisorInput, { worker: number }>;

export function receiveFromWorker(model: Model, input: WorkerInput, effects: Effects): void {
  const worker = model.workers.get(input.worker);
  if (worker === undefined) return;
  switch (input.type) {
    case 'worker-online':
      worker.pid = input.pid;
      effects.report({ type: 'worker-online', ...refOf(worker) });
      return;
    case 'worker-started':
      worker.facts.started = true;
      return;
    case 'worker-listening':
      worker.facts.listening = true;
      worker.listeners = input.listeners;
      worker.search = input.search ?? worker.search;
      model.portsUnchecked = true;
      receiveReopened(model, worker, effects);
      if (isServing(worker)) noteListeners(model, worker, effects);
      return;
    case 'worker-clients':
      noteClients(model, input.address, effects);
      return;
    case 'worker-said-ready':
      worker.facts.saidReady = true;
      return;
    case 'worker-closed':
      receiveClosed(model, worker, input.ending, effects);
      return;
    case 'worker-probe':
      receiveProbe(worker, input.ok, input.detail, effects);
      return;
    case 'worker-accepting':
      worker.accepting = true;
      return;
    case 'worker-alive':
      receiveQuiet(worker, effects.now);
      noteLoad(model, effects.now);
      return;
    case 'worker-counted':
      noteAnswers(model, worker, input.counts, effects.now);
      return;
    case 'worker-memory':
      if (worker.memory !== null) worker.memory = { ...worker.memory, pssBytes: input.pssBytes, isKnown: true };
      return;
    case 'worker-heartbeat':
      receiveBeat(model, worker, input.beat, effects.now);
      noteLoad(model, effects.now);
      return;
    case 'worker-drained':
      receiveDrained(model, worker, input, effects);
      return;
    case 'worker-signalled':
      receiveSignalled(model, worker, input.signal, effects);
      return;
    case 'worker-faulty':
      receiveFaulty(model, worker, input.detail, effects);
      return;
    case 'worker-autopsy':
      receiveAutopsy(worker, input.incident, effects);
      return;
    case 'worker-failing':
      if (worker.state.type === 'starting') worker.failing = true;
      return;
    case 'worker-exit':
      receiveExit(model, worker, input, effects);
      return;
  }
}

/** A probe may fail while the application warms up. It is repeated until startTimeout. */
function receiveProbe(worker: Worker, ok: boolean, detail: string, effects: Effects): void {
  const { state } = worker;
  if (state.type !== 'starting' || state.probe?.type !== 'asked') return;
  state.probe = ok ? { type: 'passed' } : { type: 'wanted', at: effects.now + probeAgainMs };
  state.probeFailure = ok ? null : detail;
}

/** Signs of life of many workers at once. */
export function receiveSigns(
  model: Model,
  signs: Extract<SupervisorInput, { type: 'workers-heard' }>['signs'],
  now: number,
): void {
  for (const { worker: id, agoMs, beat } of signs) {
    const worker = model.workers.get(id);
    if (worker === undefined) continue;
    if (beat === null) receiveQuiet(worker, now - agoMs);
    else receiveBeat(model, worker, beat, now - agoMs);
  }
  noteLoad(model, now);
}

function receiveBeat(model: Model, worker: Worker, beat: Heartbeat, at: number): void {
  worker.beat = beat;
  worker.beatAt = at;
  noteAlive(worker, at);
  if (beat.extra !== undefined) noteAnswers(model, worker, beat.extra, at);
}

/** It has nothing new to say, so it has nothing to do. */
function receiveQuiet(worker: Worker, at: number): void {
  noteAlive(worker, at);
  const { beat } = worker;
  if (beat === null || beat.cpuPercent + beat.eventLoopUtilization + beat.eventLoopDelayP99Ms === 0) return;
  worker.beat = { ...beat, cpuPercent: 0, eventLoopUtilization: 0, eventLoopDelayP99Ms: 0 };
}

/** A late sign may be older than what is known. */
function noteAlive(worker: Worker, at: number): void {
  worker.aliveAt = Math.max(worker.aliveAt, at);
}

/** `status` counts by class of answer. Its first number counts requests without an answer. */
function noteAnswers(model: Model, worker: Worker, { status }: Pick<RequestCounts, 'status'>, at: number): void {
  const answers = status.slice(1).reduce((sum, count) => sum + count, 0);
  if (answers <= worker.answers) return;
  worker.answers = answers;
  const generation = model.generations.get(worker.generation);
  if (generation !== undefined) generation.answeredAt = at;
}

function receiveDrained(
  model: Model,
  worker: Worker,
  { left, lasting }: Extract<WorkerInput, { type: 'worker-drained' }>,
  effects: Effects,
): void {
  const { state } = worker;
  if (state.type !== 'draining' || state.own) return;
  effects.report({ type: 'worker-drained', drainMs: effects.now - state.since, left, lasting, ...refOf(worker) });
  effects.perform({ type: 'terminate', worker: worker.id });
  const { stopTimeoutMs } = policyOf(model, worker);
  const detail = left.length > 0 ? `${state.reason}; its drain left ${left.join(', ')}` : state.reason;
  const isLate = left.length > 0 && !lasting;
  transition(worker, {
    type: 'stopping',
    // While the application ends what lasts, it may take as long as a drain may.
    deadlineAt: (lasting ? Math.max(state.deadlineAt, effects.now) : effects.now) + stopTimeoutMs,
    ending: isLate
      ? { reason: 'timed-out', detail, overran: 'drainTimeout' }
      : { reason: 'planned', detail: lasting ? detail : state.reason },
  });
}

/** The message was dropped. A worker that serves is replaced like one at a limit, so that no request is lost. */
function receiveFaulty(model: Model, worker: Worker, detail: string, effects: Effects): void {
  if (worker.fault !== null) return;
  worker.fault = `it sent what tutti cannot use (${detail})`;
  effects.report({ type: 'worker-faulty', detail, ...refOf(worker) });
  const phase = model.reload?.phase;
  if (phase?.type === 'canary' && phase.worker === worker) {
    phase.failure ??= { detail: `the first new worker failed: ${worker.fault}`, lastLines: [] };
  }
  if (worker.state.type === 'spare') retire(model, worker, worker.fault, effects);
  if (worker.state.type !== 'starting') return;
  transition(worker, {
    type: 'stopping',
    deadlineAt: effects.now + policyOf(model, worker).stopTimeoutMs,
    ending: { reason: 'never-ready', detail: worker.fault },
  });
  effects.perform({ type: 'terminate', worker: worker.id });
}

/** `kill <worker>`: drained and replaced, with the replacement first. */
function receiveSignalled(model: Model, worker: Worker, signal: string, effects: Effects): void {
  const reason = `it was told to end by ${signal}`;
  const { type } = worker.state;
  if (type === 'starting') {
    transition(worker, {
      type: 'stopping',
      deadlineAt: effects.now + policyOf(model, worker).stopTimeoutMs,
      ending: { reason: 'killed', detail: reason },
    });
    effects.perform({ type: 'terminate', worker: worker.id });
    return;
  }
  if (type === 'spare') {
    retire(model, worker, reason, effects);
    return;
  }
  if (type === 'draining' && worker.state.own) {
    // A worker that shuts itself down gets it, as under plain node, and keeps its deadline.
    const deadlineAt = Math.max(worker.state.deadlineAt, effects.now + policyOf(model, worker).stopTimeoutMs);
    transition(worker, { type: 'stopping', deadlineAt, ending: { reason: 'killed', detail: reason } });
    effects.perform({ type: 'terminate', worker: worker.id });
    return;
  }
  if (!isServing(worker)) return;
  const phase = model.reload?.phase;
  const isCanary = phase?.type === 'canary' && phase.worker === worker;
  if (isCanary) {
    retire(model, worker, reason, effects);
    return;
  }
  if (policyOf(model, worker).restart === 'never') {
    const slot = worker.slot === null ? undefined : model.slots[worker.slot];
    if (slot?.serving === worker) slot.finished = { code: 0 };
    retire(model, worker, reason, effects);
    return;
  }
  worker.replace = { reason, kind: 'replace' };
}

function receiveAutopsy(worker: Worker, incident: string | null, effects: Effects): void {
  if (incident !== null) {
    const summary = 'its main loop stood still';
    effects.report({ type: 'incident', id: incident, summary, told: false, ...refOf(worker) });
  }
  const { state } = worker;
  if (state.type === 'suspect' && state.autopsyUntil !== null) state.autopsyUntil = effects.now;
}

function receiveExit(model: Model, worker: Worker, exit: Exit, effects: Effects): void {
  const verdict = classifyExit(worker, exit, policyOf(model, worker));
  effects.report({
    type: 'worker-exit',
    ...refOf(worker),
    code: exit.code,
    signal: exit.signal,
    ...verdict,
    uptimeMs: effects.now - worker.forkedAt,
  });
  if (!worker.abandoned) settleDeath(model, worker, exit, verdict, effects);
  detach(model, worker);
  transition(worker, { type: 'exited' });
  model.workers.delete(worker.id);
}
