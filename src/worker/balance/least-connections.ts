// `least-connections`: a worker that holds more than its fair share passes connections on. Short-lived connections pay almost nothing for
// it: while they come and go, the scoreboard is read at most every LOOK_SELDOM_MS. Runs in the worker; the primary picks the sibling, in
// src/host/connections/best-sibling.ts. The figures below are judgement; what they lead to is measured in docs/decisions/transfers.md.

import type { RawConnection } from '../../protocol/raw-handle.ts';
import * as clock from '../clock.ts';
import type { ScoreboardSeat } from '../report/scoreboard-seat.ts';
import { Balancer, type Placement } from './balancer.ts';

/** Short-lived connections are not worth a transfer, and rarely worth a look at the scoreboard. */
const LOOK_SELDOM_MS = 50;
/** The half-life of the counts of accepted and closed connections. */
const WINDOW_MS = 300;
/** Among many connections, a few more than the mean are not worth a transfer. */
const TOLERANCE = 1.03;
/** Numbers of short-lived connections fluctuate. Only a clear outlier means that some connections last. */
const OUTLIER_RATIO = 1.5;
const OUTLIER_MARGIN = 8;
/** A worker that stays this far above the mean holds lasting connections among short-lived ones. */
const CROWDED_RATIO = 0.25;

export class LeastConnections extends Balancer {
  readonly #leaving: () => number;
  #windowAt = 0;
  #accepted = 0;
  #closed = 0;
  #surplusBefore = 0;
  /** It has held far more than its share for a while. */
  #isCrowded = false;

  /** `leaving`: the connections that this worker has given away and nobody has yet. */
  constructor(board: ScoreboardSeat, count: () => number, leaving: () => number) {
    super(board, count);
    this.#leaving = leaving;
  }

  override place(_client: RawConnection, now: number, mustLeave: boolean): Placement | null {
    if (now - this.#windowAt > WINDOW_MS) {
      const keep = 0.5 ** ((now - this.#windowAt) / WINDOW_MS);
      this.#windowAt = now;
      this.#accepted *= keep;
      this.#closed *= keep;
    }
    this.#accepted += 1;
    const lasting = this.#lasting || this.#isCrowded;
    const { held } = this;
    const leaves = mustLeave
      ? this.hasSiblings(now)
      : (lasting || now - this.lookedAt > LOOK_SELDOM_MS) && this.#isTooMany(held + 1, lasting, now);
    this.changed(now);
    if (!leaves) return null;
    // It will close elsewhere. Counted here, it would seem to last, and a worker that gives many away would never stop.
    this.#accepted -= 1;
    return { to: null, held: mustLeave ? null : held };
  }

  override closed(): void {
    this.#closed += 1;
    this.changed();
  }

  override changed(now = clock.now()): void {
    super.changed(now, this.#lasting);
  }

  override surplus(): number {
    const { held } = this;
    if (this.slot === null || held === 0) return 0;
    const now = clock.now();
    const mean = this.#mean(held, now);
    const surplus = Math.floor(held - fairShare(mean));
    // Numbers of short-lived connections fluctuate, so only a lasting surplus counts.
    const lasting = Math.min(surplus, this.#surplusBefore);
    this.#surplusBefore = surplus;
    this.#isCrowded = lasting > Math.max(OUTLIER_MARGIN, mean * CROWDED_RATIO);
    return this.hasSiblings(now) ? Math.max(0, lasting) : 0;
  }

  /** Whether connections outlive the window in which they are counted. */
  get #lasting(): boolean {
    return this.#closed < this.#accepted / 2;
  }

  #isTooMany(held: number, lasting: boolean, now: number): boolean {
    if (this.siblings(now, 0).length === 0) return false;
    const mean = this.#mean(held, now);
    return held > (lasting ? fairShare(mean) : mean * OUTLIER_RATIO + OUTLIER_MARGIN);
  }

  #mean(held: number, now: number): number {
    const siblings = this.siblings(now);
    let sum = held + this.#leaving();
    for (const { connections } of siblings) sum += connections;
    return sum / (siblings.length + 1);
  }
}

function fairShare(mean: number): number {
  return Math.max(Math.ceil(mean), mean * TOLERANCE);
}
