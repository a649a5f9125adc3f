// Carries out the steps of the plan that concern the whole pool: its size, its ports, its end. Decides nothing.

import type { Effects } from '../effects.ts';
import type { Model } from '../model.ts';
import { beginClosing, setTarget } from '../receive/commands.ts';
import { openTheWay } from '../reload/reload-turns.ts';
import type { Step } from '../vocabulary/steps.ts';
import { noteDifference } from '../workers/port-search.ts';

export function applyToPool(
  model: Model,
  step: Extract<
    Step,
    {
      type:
        | 'hold-back'
        | 'autoscale'
        | 'note-broken'
        | 'note-proven'
        | 'close-circuit'
        | 'close-ports'
        | 'close-slot-ports'
        | 'shut-ports'
        | 'check-ports'
        | 'close'
        | 'exit';
    }
  >,
  effects: Effects,
): void {
  switch (step.type) {
    case 'hold-back':
      if (step.cause === 'files') model.heldBack.add(step.what);
      else noteShortage(model, step.what, step.reason, effects.now);
      failHeldBack(model, step.what, step.reason, effects);
      effects.report({ type: 'held-back', what: step.what, reason: step.reason });
      return;
    case 'autoscale':
      setTarget(model, step.to, step.reason, effects);
      return;
    case 'note-broken': {
      const slot = model.slots[step.slot];
      if (slot === undefined) return;
      slot.toldBroken = true;
      const detail = slot.lastFailure?.detail ?? 'too many workers died early';
      effects.report({ type: 'slot-broken', slot: step.slot, failures: slot.earlyDeaths, detail });
      return;
    }
    case 'note-proven': {
      const generation = model.generations.get(step.generation);
      if (generation !== undefined) generation.proven = true;
      return;
    }
    case 'close-circuit':
      openTheWay(model, effects);
      return;
    case 'close-ports':
      model.portsClosed = true;
      effects.perform({ type: 'close-ports' });
      effects.report({ type: 'ports-closed', afterMs: effects.now - (model.noneReadySince ?? effects.now) });
      return;
    case 'close-slot-ports': {
      const slot = model.slots[step.slot];
      if (slot === undefined) return;
      const afterMs = effects.now - (slot.lostAt ?? effects.now);
      slot.lostAt = null;
      effects.perform({ type: 'close-slot-ports', slot: step.slot, afterMs });
      return;
    }
    case 'check-ports':
      model.portsUnchecked = false;
      noteDifference(model, effects);
      return;
    case 'shut-ports':
      model.portsUntidy = false;
      if (model.closing !== null) model.closing.portsShut = true;
      effects.perform({ type: 'shut-ports', unusedBy: model.closing === null ? model.current : null });
      return;
    case 'close':
      beginClosing(model, step.mode, step.code, step.reason, effects);
      return;
    case 'exit': {
      if (model.closing === null) return;
      model.state = 'stopped';
      const { code, reason } = model.closing;
      effects.report({ type: 'state', state: 'stopped', reason });
      for (const id of model.stops) effects.answer(id, { outcome: 'done', detail: reason });
      effects.perform({ type: 'exit', code, reason });
      return;
    }
  }
}

/** A command that would have to wait for the next reload is answered now. */
function failHeldBack(model: Model, what: string, reason: string, effects: Effects): void {
  if (what === 'scale-up' && model.scale !== null) {
    effects.answer(model.scale.id, { outcome: 'degraded', reason, lastLines: [] });
    model.scale = null;
  }
  if (what !== 'recycle') return;
  for (const { id } of model.recycles) effects.answer(id, { outcome: 'failed', reason, lastLines: [] });
  model.recycles = [];
}

function noteShortage(model: Model, what: string, reason: string, now: number): void {
  model.heldForMemory.add(what);
  if (what === 'reload' && model.reload !== null) model.reload.shortage ??= { since: now, reason };
}
