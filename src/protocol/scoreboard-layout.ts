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

// Behind the cells, and read by the primary only when a worker has ended: its counts of requests, as 64-bit floats.

/** Status classes as in `BeatExtra.status`, the latency histogram with one more bucket, and the sum of latencies. */
export const TALLY_STATUS = 0;
export const TALLY_LATENCIES = 6;
export const TALLY_LATENCY_SUM = TALLY_LATENCIES + LATENCY_BOUNDS_MS.length + 1;
export const TALLY_NUMBERS = TALLY_LATENCY_SUM + 1;
export const TALLY_BYTES = 8 * TALLY_NUMBERS;

export function tallyOffset(cell: number): number {
  return SCOREBOARD_BYTES + TALLY_BYTES * cell;
}
