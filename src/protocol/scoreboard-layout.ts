// The layout of the scoreboard, a small file in memory. Each worker writes how many connections it holds, how many requests it has answered,
// and its heartbeat. It reads how many connections the others hold; the primary reads everything. Used by
// src/worker/report/scoreboard-seat.ts and src/host/connections/scoreboard.ts.

import { type BeatExtra, type GcKind, type Heartbeat, LATENCY_BOUNDS_MS, type RequestCounts } from './messages.ts';
import { MOST_WORKERS } from './workers.ts';

// First the part that workers read of each other, as compact as possible: a header of one cell, whose first number is the number of cells in
// use at most, then one cell per worker.

export const CELL_BYTES = 8;
/** A reload's old workers have theirs too. */
export const CELLS = 2 * MOST_WORKERS;
export const SCOREBOARD_BYTES = CELL_BYTES * (CELLS + 1);

/** Numbers in a cell are 32-bit integers in the machine's own order. */
export const SLOT_OFFSET = 0;
/** slot + 1 of a worker that accepts; 0: it does not accept, or the cell is free. */
export const CONNECTIONS_OFFSET = 4;

export function cellOffset(cell: number): number {
  return CELL_BYTES * (cell + 1);
}

// Behind the cells, read by the primary alone: a record of 64-bit floats for each worker. First its counts of requests, which are written more
// often than the rest, then its heartbeat, in the order of these lists.

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
const FLAGS = ['inspected', 'handlesUsr1'] as const;
const MEMORY = ['heapTotalBytes', 'heapLimitBytes', 'externalBytes'] as const;
const TRANSFERS = ['sent', 'adopted', 'refused'] as const;
const GC: readonly GcKind[] = ['minor', 'major', 'incremental', 'weakcb'];

/** Status classes as in `BeatExtra.status`, the latency histogram with one more bucket, and the sum of latencies. */
export const TALLY_STATUS = 0;
export const TALLY_LATENCIES = 6;
export const TALLY_LATENCY_SUM = TALLY_LATENCIES + LATENCY_BOUNDS_MS.length + 1;
export const TALLY_NUMBERS = TALLY_LATENCY_SUM + 1;
export const TALLY_BYTES = 8 * TALLY_NUMBERS;

/** When the worker's loop last turned, in ms of the system's monotonic clock, which all processes share. */
export const RECORD_ALIVE_AT = TALLY_NUMBERS;
/** The number of heartbeats so far. It is on both sides of the beat, so that a half-written beat is recognized. */
export const RECORD_TURN = RECORD_ALIVE_AT + 1;
const RECORD_BEAT = RECORD_TURN + 1;
const BEAT_NUMBERS = OWN.length + FLAGS.length + MEMORY.length + TRANSFERS.length + 2 * GC.length + 1;
export const RECORD_TURN_AGAIN = RECORD_BEAT + BEAT_NUMBERS;
export const RECORD_NUMBERS = RECORD_TURN_AGAIN + 1;
export const RECORD_BYTES = 8 * RECORD_NUMBERS;

export function recordOffset(cell: number): number {
  return SCOREBOARD_BYTES + RECORD_BYTES * cell;
}

/** Ms of the system's monotonic clock, from what `process.hrtime()` says. */
export function systemMs([seconds, nanos]: [number, number]): number {
  return seconds * 1e3 + nanos / 1e6;
}

/** Does not touch the counts of requests, which are there already. */
export function putBeat(record: Float64Array, { extra = noExtra, ...beat }: Heartbeat): void {
  let at = RECORD_BEAT;
  for (const name of OWN) record[at++] = beat[name];
  for (const name of FLAGS) record[at++] = Number(beat[name]);
  for (const name of MEMORY) record[at++] = extra[name] ?? 0;
  for (const name of TRANSFERS) record[at++] = extra.transfers?.[name] ?? 0;
  for (const kind of GC) {
    record[at++] = extra.gc?.[kind]?.count ?? 0;
    record[at++] = extra.gc?.[kind]?.ms ?? 0;
  }
  record[at++] = extra.failures ?? 0;
}

/** Null if the numbers are not a heartbeat: a worker may have written anything. */
export function takeBeat(record: Float64Array): Heartbeat | null {
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
