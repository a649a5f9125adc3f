// The scoreboard: a small file in memory in which each worker writes how many connections it holds, and reads the others' numbers.
// A header of one cell, whose first number is how many cells are in use at most; then one cell per worker.

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
