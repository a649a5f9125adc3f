// What an upgrade depends on: whether there can be one now, how long it may take, and what is handed over. Part of the composition; pure.

import type { Config } from '../../config/options.ts';
import type { Generations } from '../../host/code/generations.ts';
import type { Heritage } from '../../supervisor/handover/heritage.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import type { SuccessorPlan } from './handover.ts';
import type { Estate } from './talk.ts';

/** What tutti and the fork of so many workers take, on a busy machine. */
const MARGIN_MS = 30_000;
/** As many workers boot at the same time at least. */
const PARALLEL = 2;

/** Null: it may begin. */
export function upgradeObstacle(plan: SuccessorPlan | null, { state }: Snapshot): string | null {
  if (plan === null)
    return 'the program that imports tutti started this app, and only itself can start it anew; with tutti run or tutti start it could be upgraded';
  if (state === 'starting') return 'it is still starting; try again when it is ready';
  if (state === 'reloading') return 'a reload is under way; try again when that has ended';
  return state === 'running' ? null : 'the app is ending';
}

/** For how long a successor may be starting: as many workers, two at a time, and their canaryTime. */
export function prepareMs({ startTimeoutMs, canaryTimeMs }: Config, workers: number): number {
  return Math.ceil(workers / PARALLEL) * startTimeoutMs + canaryTimeMs + MARGIN_MS;
}

/** The number of workers that a successor begins with. */
export function within({ min, max }: Config['workers'], wanted: number | undefined): number {
  return min === max ? (wanted ?? min) : Math.min(max, Math.max(min, wanted ?? min));
}

export function estateOf({ current: forebear }: Heritage, generations: Generations): Pick<Estate, 'previous'> {
  const program = generations.get(forebear.number);
  // Its default node is that of the process that runs it.
  const previous = program && { forebear, program: { ...program, node: program.node ?? process.execPath } };
  return { previous: previous ?? null };
}
