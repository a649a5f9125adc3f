// What the end of a worker process means: classified once, here, and counted where it belongs – the slot's backoff, the circuit, or
// the reload that brought the worker. In the primary; no clock, no process.

import { isIncurable } from '../../protocol/incurable.ts';
import { earlyDelayMs, isProven, rationed, shakyDelayMs } from '../decide/backoff.ts';
import { circuitWindowMs, countEarlyDeath } from '../decide/circuit.ts';
import type { Effects } from '../effects.ts';
import { isHopeless, type Model, policyOf, slotOf } from '../model.ts';
import type { Failure, Reload } from '../reload/reload-state.ts';
import type { ExitReason } from '../vocabulary/events.ts';
import type { LastWords } from '../vocabulary/inputs.ts';
import type { Policy } from '../vocabulary/policy.ts';
import type { Slot } from '../workers/slot.ts';
import { isLeaving, isStarting, readyForMs, type Worker } from '../workers/worker-state.ts';

export interface Exit {
  code: number | null;
  signal: string | null;
  lastWords: LastWords;
}

export interface Verdict {
  reason: ExitReason;
  detail: string;
  lastLines: readonly string[];
  frame?: readonly string[];
}

/** For this long an answered request counts in favour of all workers of its generation. */
const answersCountMs = 10_000;

/** Signals with which people and orchestrators end processes. SIGSEGV and the like are crashes. */
const outsideSignals = new Set(['SIGKILL', 'SIGTERM', 'SIGINT']);

/** Why this worker ended. Never invents a code or a signal that was not given. */
export function classifyExit(worker: Worker, exit: Exit, policy: Policy): Verdict {
  const { code, signal, lastWords } = exit;
  const { state } = worker;
  const how = signal === null ? `ended with code ${code ?? 'unknown'}` : `ended by ${signal}`;
  const because = lastWords.explanation ?? headline(lastWords.error);
  const telling = (what: string): string => (because === undefined ? what : `${what}: ${because.trim()}`);
  const detail = telling(how);
  const lastLines = lastLinesOf(lastWords);
  const { frame } = lastWords;
  const seen = { lastLines, ...(frame !== undefined && { frame }) };
  const verdict = (reason: ExitReason, text = detail): Verdict => ({ reason, detail: text, ...seen });

  if (state.type === 'stopping' || state.type === 'killing') return verdict(state.ending.reason, state.ending.detail);
  if (state.type === 'draining' && !state.own && signal === null && lastWords.error === undefined) {
    return verdict('planned', state.reason);
  }
  const isKilled = signal !== null && outsideSignals.has(signal) && lastWords.explanation === undefined;
  if (state.type === 'starting') {
    const hasFinished = code === 0 && (policy.ready === 'started' || policy.restart !== 'always');
    return hasFinished ? verdict('finished') : verdict('never-ready', telling(`${how} before it was ready`));
  }
  if (isKilled) return verdict('killed');
  return verdict(code === 0 ? 'finished' : 'crashed');
}

/** The line of an error that names it. Node puts the place and the source line before a syntax error, down to a line of carets. */
function headline(error: string | undefined): string | undefined {
  const lines = error?.split('\n') ?? [];
  const carets = lines.findIndex((line) => /^\s*\^+\s*$/.test(line));
  const isText = (line: string): boolean => line.trim() !== '';
  return lines.slice(carets + 1).find(isText) ?? lines.find(isText);
}

/** At most 20 lines: what the program wrote, and the error that ended it, which Node prints past the program's own stream. */
function lastLinesOf({ stderr, error }: LastWords): readonly string[] {
  const stack = error?.split('\n').slice(0, 12) ?? [];
  const isPrinted = stack[0] === undefined || stderr.some((line) => line.includes(stack[0] ?? ''));
  return isPrinted ? stderr : [...stderr.slice(stack.length - 20), ...stack];
}

/** Takes the dead worker out of its place and counts its death. Call it once, with the state the worker had when it died. */
export function settleDeath(model: Model, worker: Worker, exit: Exit, verdict: Verdict, effects: Effects): void {
  const home = worker.slot === null ? undefined : model.slots[worker.slot];
  const slot = slotOf(model, worker);
  if (home !== undefined) {
    home.lastExit = { code: exit.code, signal: exit.signal, reason: verdict.reason, at: effects.now };
  }
  if (model.reload !== null && worker.generation !== model.reload.generation) noteLate(model.reload, worker);
  if (model.closing !== null) return;
  if (slot === null) {
    if (worker.slot === null && verdict.reason !== 'planned') countSpare(model, worker, verdict, effects);
    return;
  }

  const wasServing = slot.serving === worker;
  if (wasServing) {
    slot.serving = null;
    slot.lostAt ??= effects.now;
  } else slot.successor = null;
  const { reason: _, ...failure } = verdict;
  slot.lastFailure = failure;
  if (verdict.reason === 'never-ready' && isLeaving(worker)) slot.missedStart = true;
  const { lastWords } = exit;
  slot.incurable = verdict.reason === 'never-ready' && isIncurable(lastWords.explanation ?? lastWords.error ?? '');

  const isNewCode = model.reload !== null && worker.generation === model.reload.generation;
  const isFinished = isDone(policyOf(model, worker), verdict, exit.code);
  if (wasServing && isFinished && !(isNewCode && verdict.reason !== 'finished')) {
    slot.finished = { code: exit.code };
    return;
  }
  if (wasServing) slot.restarts += 1;
  let delayMs: number | null = null;
  if (!isEarly(worker, verdict, effects.now)) delayMs = noteAccident(slot, worker, effects.now);
  delayMs ??= countForReload(model, worker, failure, effects);
  if (delayMs === null && hasServed(model, worker, exit, effects.now)) delayMs = diedInService(slot, effects.now);
  delayMs ??= countEarly(model, slot, worker, failure, effects);
  slot.retryAt = effects.now + delayMs;
  const isRefilled = wasServing && slot.successor === null && slot.index < model.target && !isHopeless(model);
  if (isRefilled) {
    const mixed = model.generations.get(model.current)?.changedInPlace ?? false;
    const earlyDeaths = slot.earlyDeaths + slot.shakyDeaths;
    effects.report({ type: 'worker-restart', slot: slot.index, delayMs, earlyDeaths, mixed });
  }
}

function noteLate({ late }: Reload, { state }: Worker): void {
  if (state.type !== 'stopping' && state.type !== 'killing') return;
  if (state.ending.overran !== undefined) late[state.ending.overran] += 1;
}

/** Whether it died by itself before it could prove itself. */
function isEarly(worker: Worker, verdict: Verdict, now: number): boolean {
  const hadBooted = worker.readyAt !== null || worker.state.type === 'spare';
  if (verdict.reason === 'killed' && hadBooted) return false;
  return !hasProven(worker, now);
}

/** A server that is closed proves nothing. */
function hasProven(worker: Worker, now: number): boolean {
  return isProven(readyForMs(worker, worker.closed?.at ?? now));
}

/** It has answered requests, or died with some in flight while its siblings answer theirs. So its code works. */
function hasServed(model: Model, worker: Worker, { lastWords }: Exit, now: number): boolean {
  if (worker.answers > 0) return true;
  const answeredAt = model.generations.get(worker.generation)?.answeredAt ?? null;
  const isAnswering = answeredAt !== null && answeredAt > now - answersCountMs;
  return isAnswering && (lastWords.requests?.length ?? 0) > 0;
}

/** Its slot is filled at once, within the ration. Returns the delay in ms. */
export function diedInService(slot: Slot, now: number): number {
  const { paidUntil, delayMs } = rationed(slot.paidUntil, now);
  slot.paidUntil = paidUntil;
  slot.earlyDeaths = 0;
  slot.shakyDeaths = 0;
  return delayMs;
}

/** A proven worker died, or somebody killed it: the slot is filled at once. */
function noteAccident(slot: Slot, worker: Worker, now: number): number {
  if (hasProven(worker, now)) {
    slot.earlyDeaths = 0;
    slot.shakyDeaths = 0;
  }
  return 0;
}

/** Failures of new code count for the reload, because they say nothing about the code that stays. Null: it is not such a failure. */
function countForReload({ reload }: Model, worker: Worker, failure: Failure, effects: Effects): number | null {
  if (reload === null || worker.generation !== reload.generation) return null;
  if (reload.phase.type === 'canary') {
    reload.phase.failure = failure;
    reload.phase.worker = null;
    return 0;
  }
  if (reload.phase.type !== 'rolling') return null;
  reload.failures.push(failure);
  return earlyDelayMs(reload.failures.length, effects.random());
}

function countEarly(model: Model, slot: Slot, worker: Worker, failure: Failure, effects: Effects): number {
  const { reload } = model;
  if (reload?.phase.type === 'rolling-back') {
    if (worker.generation === model.current) reload.phase.failures += 1;
    return earlyDelayMs(Math.max(1, reload.phase.failures), effects.random());
  }
  failCommands(model, slot, worker, failure, effects);
  const isGoodCode = model.generations.get(worker.generation)?.proven ?? false;
  if (worker.readyAt !== null && isGoodCode) {
    slot.earlyDeaths = 0;
    slot.shakyDeaths += 1;
    return shakyDelayMs(slot.shakyDeaths, model.target, effects.random());
  }
  slot.earlyDeaths += 1;
  countInCircuit(model, effects);
  return earlyDelayMs(slot.earlyDeaths, effects.random());
}

function countSpare(model: Model, worker: Worker, verdict: Verdict, effects: Effects): void {
  const { bench } = model;
  bench.lastFailure = { detail: verdict.detail, lastLines: verdict.lastLines };
  bench.retryAt = effects.now;
  if (!isEarly(worker, verdict, effects.now)) return;
  bench.earlyDeaths += 1;
  bench.retryAt = effects.now + earlyDelayMs(bench.earlyDeaths, effects.random());
  countInCircuit(model, effects);
}

function countInCircuit(model: Model, effects: Effects): void {
  if (!countEarlyDeath(model.circuit, model.target, effects.now)) return;
  const earlyDeaths = model.circuit.deaths.length;
  effects.report({ type: 'circuit', state: 'open', earlyDeaths, windowMs: circuitWindowMs });
}

/** A command that waits for this worker fails now. What was wanted stays wanted. */
function failCommands(model: Model, slot: Slot, worker: Worker, failure: Failure, effects: Effects): void {
  const { scale } = model;
  if (scale !== null && slot.index >= scale.from && slot.index < scale.to) {
    const reason = `the new worker of slot ${slot.index} failed (${failure.detail}); it is started again by backoff`;
    effects.answer(scale.id, { outcome: 'degraded', reason, lastLines: failure.lastLines });
    model.scale = null;
  }
  const old = slot.serving;
  if (worker.purpose !== 'recycle' || old === null || isStarting(old)) return;
  if (old.replace?.kind === 'recycle') old.replace = null;
  for (const command of model.recycles.filter(({ workers }) => workers.has(old.id))) {
    const reason = `the replacement of slot ${slot.index} failed (${failure.detail}); the old worker stays`;
    effects.answer(command.id, { outcome: 'failed', reason, lastLines: failure.lastLines });
    model.recycles.splice(model.recycles.indexOf(command), 1);
  }
}

/** Whether the restart policy leaves the slot empty after this end. */
function isDone(policy: Policy, verdict: Verdict, code: number | null): boolean {
  if (code !== null && policy.stopExitCodes?.includes(code)) return true;
  if (policy.restart === 'always') return false;
  return policy.restart === 'never' || verdict.reason === 'finished';
}
