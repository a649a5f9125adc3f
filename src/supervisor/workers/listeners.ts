// Where the app can be reached, and when that is told. Pure; in the primary.

import { hasPortPerSlot } from '../../protocol/balance.ts';
import type { Effects } from '../effects.ts';
import { type Model, policyOf, servingWorkers } from '../model.ts';
import type { Listener } from '../vocabulary/listener.ts';
import type { Worker } from './worker-state.ts';

/** Reports where the application can be reached, if that has changed. */
export function noteListeners(model: Model, worker: Worker, effects: Effects): void {
  const { listeners } = worker;
  if (hasPortPerSlot(policyOf(model, worker).balance)) {
    const known = model.listeners.map(textOf);
    model.listeners = ofAllSlots(model);
    const fresh = listeners.filter((listener) => !known.includes(textOf(listener)));
    if (fresh.length > 0) effects.report({ type: 'listening', listeners: fresh });
    return;
  }
  if (listeners.length === 0 || JSON.stringify(listeners) === JSON.stringify(model.listeners)) return;
  model.listeners = listeners;
  effects.report({ type: 'listening', listeners });
}

export function listenersOf(model: Model): readonly Listener[] {
  return hasPortPerSlot(model.policy.balance) ? ofAllSlots(model) : model.listeners;
}

/** In the order of the slots. What several slots share is there once. */
function ofAllSlots(model: Model): Listener[] {
  const workers = servingWorkers(model).sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0));
  const all = workers.flatMap(({ listeners }) => listeners);
  const texts = all.map(textOf);
  return all.filter((_, at) => texts.indexOf(texts[at] ?? '') === at);
}

function textOf(listener: Listener): string {
  return JSON.stringify(listener);
}
