// The file in memory through which workers know of each other's load, and the primary of their lives (primary: makes it, gives out the
// cells, reads what the workers say of themselves, clears the cells of the dead). The worker's side is worker/report/scoreboard-seat.ts.

import { closeSync, constants, fchownSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Heartbeat, RequestCounts } from '../../protocol/messages.ts';
import {
  CELL_BYTES,
  CELLS,
  CONNECTIONS_OFFSET,
  cellOffset,
  RECORD_ALIVE_AT,
  RECORD_BYTES,
  RECORD_NUMBERS,
  RECORD_TURN,
  RECORD_TURN_AGAIN,
  recordOffset,
  SCOREBOARD_BYTES,
  takeBeat,
  takeCounts,
} from '../../protocol/scoreboard-layout.ts';
import { ownMark, removeLeftovers } from '../leftovers.ts';

const EMPTY = Buffer.alloc(CELL_BYTES);
const NOTHING = Buffer.alloc(RECORD_BYTES);

export class Scoreboard {
  readonly path: string;
  readonly #fd: number;
  readonly #used = new Set<number>();
  readonly #bytes = Buffer.alloc(SCOREBOARD_BYTES);
  /** What was last read of each worker's record. */
  readonly #seen = new Map<number, { aliveAt: number; turn: number }>();
  #records = new Float64Array(0);
  #highest = 0;
  #closed = false;
  /** If it is not ours. */
  #owner: number | null = null;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    try {
      // Every byte of the cells, so that no worker's write finds the file system full.
      writeSync(fd, this.#bytes, 0, SCOREBOARD_BYTES, 0);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Null where no file can be made: workers then share by the kernel alone. */
  static create(): Scoreboard | null {
    const { O_CREAT, O_EXCL, O_RDWR } = constants;
    const name = `tutti-${ownMark()}-${freshHex()}.scoreboard`;
    for (const folder of ['/dev/shm', tmpdir()]) {
      // A primary and workers that were all killed at once could not remove their file.
      removeLeftovers(folder, /^tutti-(\d+)-(\d+)-[0-9a-f]{12}\.scoreboard$/);
      try {
        const path = join(folder, name);
        return new Scoreboard(path, openSync(path, O_CREAT | O_EXCL | O_RDWR, 0o600));
      } catch {
        // Not there, or not writable.
      }
    }
    return null;
  }

  /** The user of a worker that opens it next; null: our own. Those that have it open keep it. */
  giveTo(uid: number | null): void {
    if (this.#closed || uid === this.#owner) return;
    this.#owner = uid;
    try {
      fchownSync(this.#fd, uid ?? process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    } catch {
      // That worker reports by message and shares by the kernel alone.
    }
  }

  /** Null when there are more workers than cells, or no room for one more record. */
  allocate(): number | null {
    if (this.#closed) return null;
    let cell = 0;
    while (this.#used.has(cell)) cell += 1;
    if (cell >= CELLS) return null;
    this.#used.add(cell);
    try {
      this.#clear(cell);
      writeSync(this.#fd, NOTHING, 0, RECORD_BYTES, recordOffset(cell));
      this.#setHighest();
    } catch {
      // Others may have filled the file system. A worker without a record reports by message and shares by the kernel alone.
      this.#used.delete(cell);
      return null;
    }
    this.#seen.set(cell, { aliveAt: 0, turn: 0 });
    return cell;
  }

  /** What the worker had counted up to its end; all 0 if it counted nothing. */
  tally(cell: number): RequestCounts {
    const record = new Float64Array(RECORD_NUMBERS);
    // Workers die after the end too.
    if (!this.#closed) readSync(this.#fd, record, 0, RECORD_BYTES, recordOffset(cell));
    return takeCounts(record);
  }

  /** What the workers have counted up to now, as `take` makes it of a record. */
  *tallies<T>(take: (record: Float64Array) => T): Iterable<[cell: number, counted: T]> {
    if (this.#closed || this.#highest === 0) return;
    const records = this.#readRecords();
    for (const cell of this.#used) {
      yield [cell, take(records.subarray(cell * RECORD_NUMBERS, (cell + 1) * RECORD_NUMBERS))];
    }
  }

  /**
   * Calls back for each worker that has given a sign of life since the last call: when that was, on the clock of `systemMs`, and its
   * heartbeat, null if it had nothing new to say.
   */
  signs(heard: (cell: number, aliveAtMs: number, beat: Heartbeat | null) => void): void {
    if (this.#closed || this.#highest === 0) return;
    const records = this.#readRecords();
    for (const [cell, seen] of this.#seen) {
      const at = cell * RECORD_NUMBERS;
      const aliveAt = records[at + RECORD_ALIVE_AT] ?? 0;
      if (aliveAt === seen.aliveAt || !Number.isFinite(aliveAt)) continue;
      seen.aliveAt = aliveAt;
      const turn = records[at + RECORD_TURN] ?? 0;
      // Half a beat: the worker lives; the rest of it is there at the next look.
      const isNew = turn !== seen.turn && turn === records[at + RECORD_TURN_AGAIN];
      if (isNew) seen.turn = turn;
      heard(cell, aliveAt, isNew ? takeBeat(records.subarray(at, at + RECORD_NUMBERS)) : null);
    }
  }

  /** Only when its worker is dead: nobody else writes there. */
  release(cell: number): void {
    // Workers die after the end too, and the number of the descriptor may be another file's by then.
    if (this.#closed || !this.#used.delete(cell)) return;
    this.#seen.delete(cell);
    try {
      this.#clear(cell);
      this.#setHighest();
    } catch {
      // Where writing over needs room too; the cell is cleared before its next use.
    }
  }

  /** How many connections the workers say they hold, by cell, as of now. */
  connections(): (cell: number) => number {
    if (this.#closed) return () => 0;
    const length = cellOffset(this.#highest);
    readSync(this.#fd, this.#bytes, 0, length, 0);
    return (cell) =>
      cell < this.#highest ? Math.max(0, this.#bytes.readInt32LE(cellOffset(cell) + CONNECTIONS_OFFSET)) : 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
    rmSync(this.path, { force: true });
  }

  /** Of all workers, in one read. */
  #readRecords(): Float64Array {
    const numbers = this.#highest * RECORD_NUMBERS;
    if (this.#records.length < numbers) this.#records = new Float64Array(numbers + 8 * RECORD_NUMBERS);
    readSync(this.#fd, this.#records, 0, numbers * 8, recordOffset(0));
    return this.#records;
  }

  #clear(cell: number): void {
    writeSync(this.#fd, EMPTY, 0, CELL_BYTES, cellOffset(cell));
  }

  #setHighest(): void {
    this.#highest = Math.max(-1, ...this.#used) + 1;
    const header = Buffer.alloc(CELL_BYTES);
    header.writeInt32LE(this.#highest);
    writeSync(this.#fd, header, 0, CELL_BYTES, 0);
  }
}

/** Unlikely to be there already, and no secret: a name that exists is refused. node:crypto would cost the primary 2 MB. */
function freshHex(): string {
  return Math.floor(Math.random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
}
