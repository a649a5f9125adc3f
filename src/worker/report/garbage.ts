// Counts garbage collections and the time they took. Runs in the worker.
import { constants, PerformanceObserver, type PerformanceObserverEntryList } from 'node:perf_hooks';
import type { BeatExtra, GcKind } from '../../protocol/messages.ts';
import { attempt, guarded } from '../guard.ts';

const kinds = new Map<number, GcKind>([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** Node delivers the entries after the collection, a few at a time, so nothing runs inside of one. */
export function countGarbage(): () => NonNullable<BeatExtra['gc']> {
  const counts: Record<GcKind, { count: number; ms: number }> = {
    minor: { count: 0, ms: 0 },
    major: { count: 0, ms: 0 },
    incremental: { count: 0, ms: 0 },
    weakcb: { count: 0, ms: 0 },
  };
  const collected = guarded('the count of garbage collections', (list: PerformanceObserverEntryList) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as { detail?: { kind?: number } }).detail ?? {};
      const count = counts[kinds.get(kind ?? -1) ?? 'weakcb'];
      count.count += 1;
      count.ms += entry.duration;
    }
  });
  attempt(
    'the count of garbage collections',
    () => new PerformanceObserver(collected).observe({ entryTypes: ['gc'] }),
    undefined,
  );
  return () => counts;
}
