// Counts what runs after a reload that was refused, rolled back or broken off, and puts it into words. Pure; in the primary.

import { type Model, wantedSlots } from '../model.ts';
import { isServing } from '../workers/worker-state.ts';
import type { Change, Standing } from './standing.ts';

const headlines: Record<Change, string> = {
  unchanged: 'refused, nothing changed',
  'taken-back': 'refused and taken back',
  'in-part': 'stopped half-way',
};

const overwritten =
  'the old files were overwritten on disk: a worker that dies now is started from what is there, which no reload has accepted';

/** As of now: workers may have died since the reload ended. */
export function standingOf(model: Model, change: Change): Standing {
  const serving = wantedSlots(model)
    .map((slot) => slot.serving)
    .filter(isServing);
  const current = serving.filter(({ generation }) => generation === model.current);
  const mixed = current.filter((worker) => worker.mixed).length;
  const counts = { old: current.length - mixed, new: serving.length - current.length, mixed, wanted: model.target };
  const isOverwritten = model.generations.get(model.current)?.changedInPlace ?? false;
  return {
    change,
    ...counts,
    headline: headlines[change],
    summary: serving.length === 0 ? nobody(model) : summaryOf(model, counts),
    warning: isOverwritten ? overwritten : null,
  };
}

function nobody({ everReady }: Model): string {
  return everReady ? 'no worker serves' : 'no worker serves, and none ever has';
}

function summaryOf(
  { current }: Model,
  { old, new: fresh, mixed, wanted }: Pick<Standing, 'old' | 'new' | 'mixed' | 'wanted'>,
): string {
  return [
    `${old} of ${wanted} workers ${old === 1 ? 'runs' : 'run'} the old code (generation ${current})`,
    ...(fresh === 0 ? [] : [`${fresh} the new`]),
    ...(mixed === 0 ? [] : [`${mixed} ${mixed === 1 ? 'was' : 'were'} started from the overwritten files`]),
  ].join(', ');
}
