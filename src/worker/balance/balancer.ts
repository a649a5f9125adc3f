// Where the connections of this worker should be. All ways of balancing share this, and `kernel` and `round-robin` need nothing else: a
// connection stays where it was accepted until its worker drains. Runs in the worker; the primary picks the sibling, in
// src/host/connections/best-sibling.ts.

import type { RawConnection } from '../../protocol/raw-handle.ts';
import * as clock from '../clock.ts';
import { guarded, later, soon } from '../guard.ts';
import type { ScoreboardSeat, Sibling } from '../report/scoreboard-seat.ts';

export interface Placement {
  /** The cell that should have it; null: the worker that holds fewest. */
  to: number | null;
  /** How many the sender holds without it. It stays there unless another worker holds fewer; null: it must leave. */
  held: number | null;
}

/** How old a reading of the scoreboard may be for decisions that are not worth a system call of their own. */
export const LOOK_MS = 10;
/** How old this worker's number on the scoreboard may be while connections come and go, … */
const WRITE_MS = 50;
/** … and after the last one. A timer that wakes an idle process costs more than the write. */
const WRITE_LAST_MS = 200;

export class Balancer {
  readonly #board: ScoreboardSeat;
  readonly #count: () => number;
  #slot: number | null = null;
  #siblings: readonly Sibling[] = [];
  #lookedAt = Number.NEGATIVE_INFINITY;
  #writing: 'last' | 'now' | null = null;
  #wroteAt = 0;
  readonly #write = guarded('a number on the scoreboard', () => this.write());

  /** `count`: the connections that this worker holds. */
  constructor(board: ScoreboardSeat, count: () => number) {
    this.#board = board;
    this.#count = count;
  }

  /** Null: this worker does not accept (any more). */
  setSlot(slot: number | null): void {
    this.#slot = slot;
    this.write();
  }

  write(): void {
    this.#writing = null;
    this.#board.write(this.#slot, this.#count());
  }

  /** A connection was accepted. Returns where it should go; null: it stays. `mustLeave`: there is no room for it here. */
  place(_client: RawConnection, now: number, _mustLeave: boolean): Placement | null {
    this.changed(now);
    return null;
  }

  /** A connection of this worker has closed. */
  closed(): void {
    this.changed();
  }

  /** The number of connections has changed. `atOnce`: siblings depend on it now. */
  changed(now = clock.now(), atOnce = false): void {
    if (atOnce) {
      if (this.#writing !== 'now') soon(this.#write);
      this.#writing = 'now';
    } else if (now - this.#wroteAt > WRITE_MS) {
      this.#wroteAt = now;
      this.write();
    } else if (this.#writing === null) {
      this.#writing = 'last';
      later(WRITE_LAST_MS, this.#write).unref();
    }
  }

  /** Whether another worker accepts connections. */
  hasSiblings(now = clock.now()): boolean {
    return this.siblings(now).length > 0;
  }

  /** How many of its connections this worker should give away. Call it regularly. */
  surplus(): number {
    return 0;
  }

  /** Where a movable connection belongs after `moved` others have just left; null: here. */
  home(_client: RawConnection, mustLeave: boolean, moved: number): Placement | null {
    return { to: null, held: mustLeave ? null : this.#count() - moved - 1 };
  }

  protected get slot(): number | null {
    return this.#slot;
  }

  protected get held(): number {
    return this.#count();
  }

  /** When the scoreboard was read last. */
  protected get lookedAt(): number {
    return this.#lookedAt;
  }

  /** The other workers that accept, as read at most `atMostMs` ago. */
  protected siblings(now: number, atMostMs = LOOK_MS): readonly Sibling[] {
    if (now - this.#lookedAt > atMostMs) {
      this.#lookedAt = now;
      this.#siblings = this.#board.siblings();
    }
    return this.#siblings;
  }
}
