// This worker's seat on the scoreboard: its cell, which its siblings read, and its record, which the primary reads and which outlives it.
// Each read and write is one short system call on a file in memory; whoever calls decides how often. Runs in the worker; the primary's
// side is host/connections/scoreboard.ts.

import type fs from 'node:fs';
import type { BootInfo, Heartbeat } from '../../protocol/messages.ts';
import {
  CELL_BYTES,
  CONNECTIONS_OFFSET,
  cellOffset,
  putBeat,
  RECORD_ALIVE_AT,
  RECORD_BYTES,
  RECORD_NUMBERS,
  RECORD_TURN,
  RECORD_TURN_AGAIN,
  recordOffset,
  SCOREBOARD_BYTES,
  SLOT_OFFSET,
  systemMs,
  TALLY_BYTES,
} from '../../protocol/scoreboard-layout.ts';
import { attempt, guarded } from '../guard.ts';
import { process } from '../own-process.ts';

/** Taken before the application runs, which may replace them. */
const { hrtime } = process;
const { closeSync, openSync, readSync, unlink, writeSync } = process.getBuiltinModule('node:fs') as typeof fs;

export interface Sibling {
  cell: number;
  slot: number;
  connections: number;
}

const removed = guarded('removing the scoreboard', () => {});

/** Nothing here throws. */
export class ScoreboardSeat {
  readonly #cell: number;
  readonly #path: string;
  readonly #fd: number;
  readonly #own = Buffer.alloc(CELL_BYTES);
  readonly #all = Buffer.alloc(SCOREBOARD_BYTES);
  readonly #siblings: Sibling[] = [];
  readonly #record = new Float64Array(RECORD_NUMBERS);
  readonly #tally: Float64Array;
  #length = cellOffset(16);
  #turn = 0;
  #abandoned = false;

  /** Null if the file cannot be opened. Then messages carry everything, and connections stay where the kernel put them. */
  static open(at: NonNullable<BootInfo['scoreboard']>, tally: Float64Array): ScoreboardSeat | null {
    try {
      return new ScoreboardSeat(at, openSync(at.path, 'r+'), tally);
    } catch {
      return null;
    }
  }

  private constructor({ path, cell }: { path: string; cell: number }, fd: number, tally: Float64Array) {
    this.#cell = cell;
    this.#path = path;
    this.#fd = fd;
    this.#tally = tally;
  }

  /** `slot` is null while this worker accepts nothing. Nothing is written when nothing changed. */
  write(slot: number | null, connections: number): void {
    // For a write that was delayed until now: the descriptor's number may belong to another file already.
    if (this.#abandoned) return;
    const place = slot === null ? 0 : slot + 1;
    const own = this.#own;
    if (own.readInt32LE(SLOT_OFFSET) === place && own.readInt32LE(CONNECTIONS_OFFSET) === connections) return;
    own.writeInt32LE(place, SLOT_OFFSET);
    own.writeInt32LE(connections, CONNECTIONS_OFFSET);
    attempt('writing to the scoreboard', () => writeSync(this.#fd, own, 0, CELL_BYTES, cellOffset(this.#cell)), 0);
  }

  /**
   * The other workers that accept, according to the file; none if it cannot be read. The list is reused by the next call.
   */
  siblings(): readonly Sibling[] {
    return attempt('reading the scoreboard', () => this.#readSiblings(), []);
  }

  #readSiblings(): readonly Sibling[] {
    if (this.#abandoned) return [];
    readSync(this.#fd, this.#all, 0, this.#length, 0);
    const highest = this.#all.readInt32LE(0);
    if (cellOffset(highest) > this.#length) {
      this.#length = cellOffset(highest + 16);
      readSync(this.#fd, this.#all, 0, Math.min(this.#length, SCOREBOARD_BYTES), 0);
    }
    let count = 0;
    for (let cell = 0; cell < highest; cell++) {
      const place = this.#all.readInt32LE(cellOffset(cell) + SLOT_OFFSET);
      if (place === 0 || cell === this.#cell) continue;
      this.#siblings[count] ??= { cell: 0, slot: 0, connections: 0 };
      const sibling = this.#siblings[count] as Sibling;
      sibling.cell = cell;
      sibling.slot = place - 1;
      sibling.connections = this.#all.readInt32LE(cellOffset(cell) + CONNECTIONS_OFFSET);
      count += 1;
    }
    this.#siblings.length = count;
    return this.#siblings;
  }

  /** Writes the current counts. This and the next two return false if there is no memory left. */
  writeTally(): boolean {
    return this.#writeRecord(this.#tally, 0, TALLY_BYTES);
  }

  writeBeat(beat: Heartbeat): boolean {
    const record = this.#record;
    record.set(this.#tally);
    putBeat(record, beat);
    this.#turn += 1;
    if (!this.#stamp()) return false;
    record[RECORD_TURN] = this.#turn;
    record[RECORD_TURN_AGAIN] = this.#turn;
    return this.#writeRecord(record, 0, RECORD_BYTES);
  }

  /** In place of a beat, from a worker that has nothing new to say. */
  writeAlive(): boolean {
    return this.#stamp() && this.#writeRecord(this.#record, 8 * RECORD_ALIVE_AT, 8);
  }

  #stamp(): boolean {
    try {
      this.#record[RECORD_ALIVE_AT] = systemMs(hrtime());
      return true;
    } catch {
      return false;
    }
  }

  #writeRecord(numbers: Float64Array, from: number, bytes: number): boolean {
    // Nobody is left to read it, by file or by message.
    if (this.#abandoned) return true;
    try {
      writeSync(this.#fd, numbers, from, bytes, recordOffset(this.#cell) + from);
      return true;
    } catch {
      return false;
    }
  }

  /** The primary is dead and cannot remove the file itself; its other workers have it open. */
  abandon(): void {
    this.#abandoned = true;
    attempt('closing the scoreboard', () => closeSync(this.#fd), undefined);
    // The first worker to come here removes it.
    attempt('removing the scoreboard', () => unlink(this.#path, removed), undefined);
  }
}
