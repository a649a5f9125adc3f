// Decides in a worker which connections should be elsewhere: by the numbers on the scoreboard (least-connections) or by the client's
// address (ip-hash). Short-lived connections pay almost nothing: for them it looks at the scoreboard at most every few milliseconds.

import type { Balance } from '../../protocol/balance.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import * as clock from '../clock.ts';
import { guarded, later, soon } from '../guard.ts';
import type { ScoreboardCell, Sibling } from '../report/scoreboard-cell.ts';
import { bid, hashAddress } from './ip-hash.ts';

export interface Placement {
  /** The cell that should have it; null: whoever holds least. */
  to: number | null;
  /** It stays with a sender that holds this many unless somebody holds less; null: it must leave. */
  held: number | null;
}

/** How long what was read from the scoreboard is good enough for a decision that is worth no system call of its own. */
const LOOK_MS = 10;
/** The same while connections come and go: then they are not worth a transfer, and seldom a look. */
const LOOK_SELDOM_MS = 50;
/** How old this worker's own number on the scoreboard may be while connections come and go, … */
const WRITE_MS = 50;
/** … and after the last one did. A timer that wakes an idle process costs more than what it writes. */
const WRITE_LAST_MS = 200;
/** Half of what was accepted and closed this long ago is forgotten. */
const WINDOW_MS = 300;
/** How long clients that belong elsewhere by their address are looked for after the workers changed. */
const REHOME_MS = 5000;
/** Among many connections, a few more than the mean are not worth a transfer. */
const TOLERANCE = 1.03;
/** Where connections come and go, numbers stray; only a clear outlier means that some of them last. */
const OUTLIER_RATIO = 1.5;
const OUTLIER_MARGIN = 8;
/** Whoever holds so much more than the mean for a while has some that last among those that come and go. */
const CROWDED_RATIO = 0.25;

export class Balancer {
  readonly #balance: Balance;
  readonly #board: ScoreboardCell;
  readonly #count: () => number;
  readonly #leaving: () => number;
  #slot: number | null = null;
  #siblings: readonly Sibling[] = [];
  #lookedAt = Number.NEGATIVE_INFINITY;
  #windowAt = 0;
  #accepted = 0;
  #closed = 0;
  #writing: 'last' | 'now' | null = null;
  #wroteAt = 0;
  readonly #write = guarded('a number on the scoreboard', () => this.write());
  #surplusBefore = 0;
  /** Far more than its share for a while. */
  #isCrowded = false;
  #members = '';
  #membersChangedAt = Number.NEGATIVE_INFINITY;

  /** `count`: the connections that this worker holds; `leaving`: those it has given away that nobody has yet. */
  constructor(balance: Balance, board: ScoreboardCell, count: () => number, leaving: () => number) {
    this.#balance = balance;
    this.#board = board;
    this.#count = count;
    this.#leaving = leaving;
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
  place(client: RawConnection, now: number, mustLeave: boolean): Placement | null {
    if (this.#balance === 'ip-hash') return this.#home(client, now);
    if (this.#balance !== 'least-connections') {
      this.changed();
      return null;
    }
    if (now - this.#windowAt > WINDOW_MS) {
      const keep = 0.5 ** ((now - this.#windowAt) / WINDOW_MS);
      this.#windowAt = now;
      this.#accepted *= keep;
      this.#closed *= keep;
    }
    this.#accepted += 1;
    const lasting = this.#lasting || this.#isCrowded;
    const held = this.#count();
    const leaves = mustLeave
      ? this.hasSiblings(now)
      : (lasting || now - this.#lookedAt > LOOK_SELDOM_MS) && this.#isTooMany(held + 1, lasting, now);
    this.changed(now);
    if (!leaves) return null;
    // It closes elsewhere: counted here, it would look as if it lasted, and whoever gives many away would never stop.
    this.#accepted -= 1;
    return { to: null, held: mustLeave ? null : held };
  }

  /** A connection of this worker has closed. */
  closed(): void {
    this.#closed += 1;
    this.changed();
  }

  changed(now = clock.now()): void {
    if (this.#balance === 'least-connections' && this.#lasting) {
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
    this.#look(now, LOOK_MS);
    return this.#siblings.length > 0;
  }

  /** How many of its connections this worker should be rid of. Call it regularly. */
  surplus(): number {
    const held = this.#count();
    if (this.#slot === null || held === 0) return 0;
    const now = clock.now();
    this.#look(now, LOOK_MS);
    if (this.#balance === 'ip-hash') return this.#membersChanged(now) ? Number.POSITIVE_INFINITY : 0;
    const mean = this.#mean(held);
    const surplus = Math.floor(held - fairShare(mean));
    // Where connections come and go, numbers stray: only what is too many for a while counts.
    const lasting = Math.min(surplus, this.#surplusBefore);
    this.#surplusBefore = surplus;
    this.#isCrowded = lasting > Math.max(OUTLIER_MARGIN, mean * CROWDED_RATIO);
    return this.#siblings.length === 0 ? 0 : Math.max(0, lasting);
  }

  /** Where a connection belongs that can be moved now, `moved` others having just left; null if here. */
  home(client: RawConnection, mustLeave: boolean, moved: number): Placement | null {
    const anywhere = { to: null, held: mustLeave ? null : this.#count() - moved - 1 };
    if (this.#balance !== 'ip-hash') return anywhere;
    return this.#home(client, clock.now()) ?? (mustLeave ? anywhere : null);
  }

  /** For some time after a worker came or went, clients may be in the wrong place. */
  #membersChanged(now: number): boolean {
    const members = this.#siblings
      .map(({ slot }) => slot)
      .sort()
      .join();
    if (members !== this.#members) this.#membersChangedAt = now;
    this.#members = members;
    return now - this.#membersChangedAt < REHOME_MS;
  }

  /** Accepted connections outlive the window in which they are counted. */
  get #lasting(): boolean {
    return this.#closed < this.#accepted / 2;
  }

  #isTooMany(held: number, lasting: boolean, now: number): boolean {
    this.#look(now, 0);
    if (this.#siblings.length === 0) return false;
    const mean = this.#mean(held);
    return held > (lasting ? fairShare(mean) : mean * OUTLIER_RATIO + OUTLIER_MARGIN);
  }

  #mean(held: number): number {
    let sum = held + this.#leaving();
    for (const { connections } of this.#siblings) sum += connections;
    return sum / (this.#siblings.length + 1);
  }

  #home(client: RawConnection, now: number): Placement | null {
    const name: { address?: string } = {};
    // A client without an address (unix socket) is at home anywhere.
    if (client.getpeername === undefined || client.getpeername(name) !== 0 || name.address === undefined) return null;
    this.#look(now, LOOK_MS);
    const hash = hashAddress(name.address);
    let best = this.#slot === null ? -1 : bid(hash, this.#slot);
    let to: number | null = null;
    for (const { cell, slot } of this.#siblings) {
      const offered = slot === this.#slot ? -1 : bid(hash, slot);
      if (offered <= best) continue;
      best = offered;
      to = cell;
    }
    return to === null ? null : { to, held: null };
  }

  #look(now: number, atMostMs: number): void {
    if (now - this.#lookedAt <= atMostMs) return;
    this.#lookedAt = now;
    this.#siblings = this.#board.siblings();
  }
}

function fairShare(mean: number): number {
  return Math.max(Math.ceil(mean), mean * TOLERANCE);
}
