// The file in memory through which workers know of each other's load (primary: makes it, gives out the cells, clears those of the dead).

import { closeSync, constants, openSync, readdirSync, readlinkSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LATENCY_BOUNDS_MS, type RequestCounts } from '../protocol/messages.ts';
import {
  CELL_BYTES,
  CELLS,
  CONNECTIONS_OFFSET,
  cellOffset,
  SCOREBOARD_BYTES,
  TALLY_BYTES,
  TALLY_LATENCIES,
  TALLY_LATENCY_SUM,
  TALLY_NUMBERS,
  TALLY_STATUS,
  tallyOffset,
} from '../protocol/scoreboard-layout.ts';

const EMPTY = Buffer.alloc(CELL_BYTES);
const NOTHING = Buffer.alloc(TALLY_BYTES);

export class Scoreboard {
  readonly path: string;
  readonly #fd: number;
  readonly #used = new Set<number>();
  readonly #bytes = Buffer.alloc(SCOREBOARD_BYTES);
  #highest = 0;
  #closed = false;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    try {
      // Every byte, so that no later write finds the file system full.
      writeSync(fd, this.#bytes, 0, SCOREBOARD_BYTES, 0);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Null where no file can be made: workers then share by the kernel alone. */
  static create(): Scoreboard | null {
    const { O_CREAT, O_EXCL, O_RDWR } = constants;
    const name = `tutti-${pidNamespace()}-${process.pid}-${freshHex()}.scoreboard`;
    for (const folder of ['/dev/shm', tmpdir()]) {
      removeOrphans(folder);
      try {
        const path = join(folder, name);
        return new Scoreboard(path, openSync(path, O_CREAT | O_EXCL | O_RDWR, 0o600));
      } catch {
        // Not there, or not writable.
      }
    }
    return null;
  }

  /** Null when there are more workers than cells. */
  allocate(): number | null {
    if (this.#closed) return null;
    let cell = 0;
    while (this.#used.has(cell)) cell += 1;
    if (cell >= CELLS) return null;
    this.#used.add(cell);
    this.#clear(cell);
    writeSync(this.#fd, NOTHING, 0, TALLY_BYTES, tallyOffset(cell));
    this.#setHighest();
    return cell;
  }

  /** What the worker had counted up to its end; all 0 if it counted nothing. */
  tally(cell: number): RequestCounts {
    const numbers = new Float64Array(TALLY_NUMBERS);
    // Workers die after the end too.
    if (!this.#closed) readSync(this.#fd, numbers, 0, TALLY_BYTES, tallyOffset(cell));
    return {
      status: [...numbers.subarray(TALLY_STATUS, TALLY_LATENCIES)],
      latencyBuckets: { le: LATENCY_BOUNDS_MS, counts: [...numbers.subarray(TALLY_LATENCIES, TALLY_LATENCY_SUM)] },
      latencySumMs: numbers[TALLY_LATENCY_SUM] ?? 0,
    };
  }

  /** Only when its worker is dead: nobody else writes there. */
  release(cell: number): void {
    // Workers die after the end too, and the number of the descriptor may be another file's by then.
    if (this.#closed || !this.#used.delete(cell)) return;
    this.#clear(cell);
    this.#setHighest();
  }

  /** How many connections the workers say they hold, by cell, as of now. */
  connections(): (cell: number) => number {
    if (this.#closed) return () => 0;
    const length = cellOffset(this.#highest);
    readSync(this.#fd, this.#bytes, 0, length, 0);
    return (cell) => (cell < this.#highest ? this.#bytes.readInt32LE(cellOffset(cell) + CONNECTIONS_OFFSET) : 0);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
    rmSync(this.path, { force: true });
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

/** A primary and workers that were all killed at once could not remove their file. */
function removeOrphans(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const [, namespace, pid] = /^tutti-(\d+)-(\d+)-[0-9a-f]{12}\.scoreboard$/.exec(name) ?? [];
      if (namespace === pidNamespace() && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // Not ours to clean, or not there.
  }
}

/** The containers of a pod share the folder, but not the numbers of their processes. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
