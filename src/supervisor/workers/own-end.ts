// A worker that ends itself: it closes its last server, and clears up, or listens again. In the primary; no clock, no process.
//
//   closed ──► listens again: nothing has happened
//     │
//     └─ nobody doubts that it ends, or closeGraceMs later ──► draining, `own`: left to finish
//
// Its end is judged when it has ended. It is replaced while it finishes only if it had proven itself or served, and the policy restarts it
// however it ends. Any other end may mean that no worker should follow, or not yet.

import { detach, letFinish, retire } from '../apply/retire.ts';
import { isProven } from '../decide/backoff.ts';
import type { Deadlines } from '../decide/deadlines.ts';
import type { Effects } from '../effects.ts';
import { type Model, policyOf, slotOf } from '../model.ts';
import { diedInService } from '../receive/deaths.ts';
import { forgive } from './slot.ts';
import { isServing, readyForMs, transition, type Worker } from './worker-state.ts';

/** How long a server may be closed before its worker counts as ending. */
export const closeGraceMs = 5_000;

export const closedReason = 'it closed its last listening socket';

/** `ending`: the worker knows of something (an uncaught error, a signal to itself) that makes the close its end. */
export function receiveClosed(model: Model, worker: Worker, ending: boolean, effects: Effects): void {
  worker.facts.listening = false;
  if (policyOf(model, worker).ready === 'listening') worker.closed = { at: effects.now, ending };
}

/** A worker that had given its slot away serves again until it is drained. */
export function receiveReopened(model: Model, worker: Worker, effects: Effects): void {
  worker.closed = null;
  if (worker.state.type !== 'draining' || !worker.state.own) return;
  const slot = slotOf(model, worker);
  transition(worker, { type: 'ready' });
  if (slot?.serving !== worker) retire(model, worker, 'it listened again after another had taken its place', effects);
}

/** Whether the server has been closed for so long that its worker counts as ending. */
export function isOver(worker: Worker, deadlines: Deadlines): boolean {
  return worker.closed !== null && (worker.closed.ending || deadlines.due(worker.closed.at + closeGraceMs));
}

/** From here on it is left to finish. Its slot goes to another worker if one is certain to be wanted. */
export function giveWay(model: Model, worker: Worker, reason: string, effects: Effects): void {
  if (!isServing(worker) || worker.closed === null) return;
  const { at } = worker.closed;
  const { restart, stopExitCodes = [] } = policyOf(model, worker);
  letFinish(model, worker, reason, effects);
  const slot = slotOf(model, worker);
  const hasProven = isProven(readyForMs(worker, at));
  // New code is on trial until the reload is over, so there its end has to count.
  const hasServed = worker.answers > 0 && worker.generation !== model.reload?.generation;
  if (restart !== 'always' || stopExitCodes.length > 0 || slot === null || !(hasProven || hasServed)) return;
  detach(model, worker);
  forgive(slot);
  const delayMs = hasProven ? 0 : diedInService(slot, effects.now);
  slot.retryAt = effects.now + delayMs;
  slot.restarts += 1;
  if (slot.successor !== null || slot.index >= model.target) return;
  const mixed = model.generations.get(model.current)?.changedInPlace ?? false;
  effects.report({ type: 'worker-restart', slot: slot.index, delayMs, earlyDeaths: 0, mixed });
}
