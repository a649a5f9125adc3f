// A heartbeat as numbers in a worker's record on the scoreboard: how the worker writes it and the primary reads it.

import { type Beat, type BeatExtra, type GcKind, LATENCY_BOUNDS_MS, type RequestCounts } from './messages.ts';
import { BEAT_NUMBERS, RECORD_BEAT, TALLY_LATENCIES, TALLY_LATENCY_SUM, TALLY_STATUS } from './scoreboard-layout.ts';

const OWN = [
  'rssBytes',
  'heapUsedBytes',
  'cpuUserMicros',
  'cpuSystemMicros',
  'cpuPercent',
  'eventLoopUtilization',
  'eventLoopDelayP99Ms',
  'connections',
  'activeRequests',
  'requestsTotal',
] as const;
const MEMORY = ['heapTotalBytes', 'heapLimitBytes', 'externalBytes'] as const;
const TRANSFERS = ['sent', 'adopted', 'refused'] as const;
const GC: readonly GcKind[] = ['minor', 'major', 'incremental', 'weakcb'];

/** The counts of requests are not touched: they are there already. */
export function putBeat(record: Float64Array, { extra = noExtra, ...beat }: Beat): void {
  let at = RECORD_BEAT;
  for (const name of OWN) record[at++] = beat[name];
  record[at++] = Number(beat.inspected);
  record[at++] = Number(beat.handlesUsr1);
  for (const name of MEMORY) record[at++] = extra[name] ?? 0;
  for (const name of TRANSFERS) record[at++] = extra.transfers?.[name] ?? 0;
  for (const kind of GC) {
    record[at++] = extra.gc?.[kind]?.count ?? 0;
    record[at++] = extra.gc?.[kind]?.ms ?? 0;
  }
  record[at++] = extra.failures ?? 0;
}

/** Null if it is none: the numbers are as good as whoever wrote them. */
export function takeBeat(record: Float64Array): Beat | null {
  if (!record.subarray(RECORD_BEAT, RECORD_BEAT + BEAT_NUMBERS).every(Number.isFinite)) return null;
  let at = RECORD_BEAT;
  const next = (): number => record[at++] ?? 0;
  const numbers = <K extends string>(names: readonly K[]): Record<K, number> =>
    Object.fromEntries(names.map((name) => [name, next()])) as Record<K, number>;
  return {
    ...numbers(OWN),
    inspected: next() === 1,
    handlesUsr1: next() === 1,
    extra: {
      ...takeCounts(record),
      ...numbers(MEMORY),
      transfers: numbers(TRANSFERS),
      gc: Object.fromEntries(GC.map((kind) => [kind, { count: next(), ms: next() }])),
      failures: next(),
    },
  };
}

export function takeCounts(record: Float64Array): RequestCounts {
  return {
    status: Array.from(record.subarray(TALLY_STATUS, TALLY_LATENCIES), asCount),
    latencyBuckets: {
      le: LATENCY_BOUNDS_MS,
      counts: Array.from(record.subarray(TALLY_LATENCIES, TALLY_LATENCY_SUM), asCount),
    },
    latencySumMs: asCount(record[TALLY_LATENCY_SUM] ?? 0),
  };
}

/** All of them, of whatever status. */
export function takeAnswers(record: Float64Array): number {
  let sum = 0;
  for (let at = TALLY_STATUS; at < TALLY_LATENCIES; at += 1) sum += asCount(record[at] ?? 0);
  return sum;
}

function asCount(value: number): number {
  return value > 0 && value < Number.POSITIVE_INFINITY ? value : 0;
}

const noExtra: BeatExtra = { status: [], latencyBuckets: { le: [], counts: [] }, latencySumMs: 0 };
