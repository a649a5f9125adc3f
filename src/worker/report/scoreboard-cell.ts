// The worker's end of the scoreboard: writes its own cell, reads all of them. Each is one short system call on a file in memory;
// whoever calls decides how often.

import type fs from 'node:fs';
import {
  CELL_BYTES,
  CONNECTIONS_OFFSET,
  cellOffset,
  SCOREBOARD_BYTES,
  SLOT_OFFSET,
} from '../../protocol/scoreboard-layout.ts';
import { attempt, guarded } from '../guard.ts';
import { process } from '../own-process.ts';

/** As node has them now: what an application puts in their place is none of ours. */
const { closeSync, openSync, readSync, unlink, writeSync } = process.getBuiltinModule('node:fs') as typeof fs;

export interface Sibling {
  cell: number;
  slot: number;
  connections: number;
}

const removed = guarded('removing the scoreboard', () => {});

export class ScoreboardCell {
  readonly #cell: number;
  readonly #path: string;
  readonly #fd: number;
  readonly #own = Buffer.alloc(CELL_BYTES);
  readonly #all = Buffer.alloc(SCOREBOARD_BYTES);
  readonly #siblings: Sibling[] = [];
  #length = cellOffset(16);
  #abandoned = false;

  constructor({ path, cell }: { path: string; cell: number }) {
    this.#cell = cell;
    this.#path = path;
    this.#fd = openSync(path, 'r+');
  }

  /** `slot` is null while this worker accepts nothing. Nothing is written when nothing changed. Never throws. */
  write(slot: number | null, connections: number): void {
    // A write that was put off until now: the number of the descriptor may be another file's already.
    if (this.#abandoned) return;
    const place = slot === null ? 0 : slot + 1;
    const own = this.#own;
    if (own.readInt32LE(SLOT_OFFSET) === place && own.readInt32LE(CONNECTIONS_OFFSET) === connections) return;
    own.writeInt32LE(place, SLOT_OFFSET);
    own.writeInt32LE(connections, CONNECTIONS_OFFSET);
    attempt('writing to the scoreboard', () => writeSync(this.#fd, own, 0, CELL_BYTES, cellOffset(this.#cell)), 0);
  }

  /**
   * The other workers that accept, as they stand in the file now; none where it cannot be read. The list is used again by the next
   * call. Never throws.
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

  /** The primary is dead and cannot remove the file itself; its other workers have it open. */
  abandon(): void {
    this.#abandoned = true;
    attempt('closing the scoreboard', () => closeSync(this.#fd), undefined);
    // Who comes first removes it.
    attempt('removing the scoreboard', () => unlink(this.#path, removed), undefined);
  }
}
