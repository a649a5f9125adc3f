// The scoreboard: a small file in memory in which each worker writes how many connections it holds, and reads the others' numbers.
// A header of one cell, whose first number is how many cells are in use at most; then one cell per worker.

import { LATENCY_BOUNDS_MS } from './messages.ts';

export const CELL_BYTES = 8;
/** More workers than any machine runs at once, a reload's old ones included. */
export const CELLS = 2048;
export const SCOREBOARD_BYTES = CELL_BYTES * (CELLS + 1);

/** Numbers in a cell are 32-bit integers in the machine's own order. */
export const SLOT_OFFSET = 0;
/** slot + 1 of a worker that accepts; 0: it does not, or nobody is here. */
export const CONNECTIONS_OFFSET = 4;

export function cellOffset(cell: number): number {
  return CELL_BYTES * (cell + 1);
}

// Behind the cells, and read by the primary alone: a record for each worker, of 64-bit floats. First its counts of requests, which
// are written more often than the rest; then its heartbeat.

/** Status classes as in `BeatExtra.status`, the latency histogram with one more bucket, and the sum of latencies. */
export const TALLY_STATUS = 0;
export const TALLY_LATENCIES = 6;
export const TALLY_LATENCY_SUM = TALLY_LATENCIES + LATENCY_BOUNDS_MS.length + 1;
export const TALLY_NUMBERS = TALLY_LATENCY_SUM + 1;
export const TALLY_BYTES = 8 * TALLY_NUMBERS;

/** When the worker's loop last turned: ms of the system's monotonic clock, which all its processes share. */
export const RECORD_ALIVE_AT = TALLY_NUMBERS;
/** How many heartbeats came up to now; it stands on both sides of the beat, so that half a beat is not taken for a whole one. */
export const RECORD_TURN = RECORD_ALIVE_AT + 1;
export const RECORD_BEAT = RECORD_TURN + 1;
/** Room for the numbers of a beat; see beat-record.ts. */
export const BEAT_NUMBERS = 27;
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
