// The points of a chart, oldest first, as the stream and the history bring them. Pure.

import type { HistoryPoint } from '../../../metrics/history.ts';

/** With the points that came on the stream while the history was on its way. */
export function continued(history: readonly HistoryPoint[], points: readonly HistoryPoint[]): HistoryPoint[] {
  const end = history.at(-1)?.at ?? Number.POSITIVE_INFINITY;
  return [...history, ...points.filter(({ at }) => at > end)];
}

/** At most `length` of them. */
export function appended(points: HistoryPoint[], point: HistoryPoint, length: number): HistoryPoint[] {
  // A clock that was set back leaves points of the future.
  return [...points.filter(({ at }) => at < point.at), point].slice(-length);
}
