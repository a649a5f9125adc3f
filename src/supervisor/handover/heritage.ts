// What of its generations a supervisor leaves to its successor. Pure.

import { currentGeneration, type Model, newGeneration } from '../model.ts';
import type { Forebear } from '../vocabulary/forebear.ts';

export interface Heritage {
  /** The highest number that was given to a generation. */
  lastGeneration: number;
  /** The one that runs, which to the successor is the one before. */
  current: Forebear;
  /** Workers wanted, where a command or the load has changed what the configuration says. */
  target: number | null;
}

export function heritageOf(model: Model): Heritage {
  const { number, entry, policy } = currentGeneration(model);
  const target = model.target === model.policy.workers.min ? null : model.target;
  return { lastGeneration: model.lastGeneration, current: { number, entry, policy }, target };
}

/** From now on a rollback goes back to it. */
export function inherit(model: Model, { number, entry, policy }: Forebear): void {
  if (model.previous !== null || model.generations.has(number)) return;
  model.generations.set(number, { number, entry, policy, ...newGeneration, proven: true });
  model.previous = number;
}
