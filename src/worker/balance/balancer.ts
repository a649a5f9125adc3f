// Where the connections of this worker should be. This is what all ways of balancing share, and all that `kernel` and `round-robin` need:
// a connection stays where it was accepted until its worker drains. Runs in the worker; the primary picks the sibling, in
// src/host/connections/.

import type { RawConnection } from '../../protocol/raw-handle.ts';
import * as clock from '../clock.ts';
import { guarded, later, soon } from '../guard.ts';
import type { ScoreboardSeat, Sibling } from '../report/scoreboard-seat.ts';

export interface Placement {
  /** The cell that should have it; null: whoever holds least. */
  to: number | null;
  /** It stays with a sender that holds this many unless somebody holds less; null: it must leave. */
  held: number | null;
}

/** A decision that is worth no system call of its own uses what was read from the scoreboard no longer ago than this. */
export const LOOK_MS = 10;
/** How old this worker's own number on the scoreboard may be while connections come and go, … */
const WRITE_MS = 50;
/** … and after the last one did. A timer that wakes an idle process costs more than what it writes. */
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

  /** Null: this worker accepts nothing (any more). */
  setSlot(slot: number | null): void {
    this.#slot = slot;
    this.write();
  }

  write(): void {
    this.#writing = null;
    this.#board.write(this.#slot, this.#count());
  }

  /** A connection was accepted. Answers where it should go, null if it stays. `mustLeave`: there is no room for it here. */
  place(_client: RawConnection, now: number, _mustLeave: boolean): Placement | null {
    this.changed(now);
    return null;
  }

  /** A connection of this worker has closed. */
  closed(): void {
    this.changed();
  }

  /** `atOnce`: siblings decide by this number. */
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

  /** Somebody else accepts connections. */
  hasSiblings(now = clock.now()): boolean {
    return this.siblings(now).length > 0;
  }

  /** How many of its connections this worker should be rid of. Call it regularly. */
  surplus(): number {
    return 0;
  }

  /** Where a connection belongs that can be moved now, `moved` others having just left; null if here. */
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

  /** Who else accepts, as read at most `atMostMs` ago. */
  protected siblings(now: number, atMostMs = LOOK_MS): readonly Sibling[] {
    if (now - this.#lookedAt > atMostMs) {
      this.#lookedAt = now;
      this.#siblings = this.#board.siblings();
    }
    return this.#siblings;
  }
}
