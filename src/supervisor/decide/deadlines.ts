// Time inside one pass of the plan. Runs in the primary, but knows the time only as a number it was given.
//
// Every rule asks `due(at)` instead of comparing times itself. A time that has not come yet is remembered, so the earliest of them
// is when the plan has to be made again: no deadline can be forgotten, and nothing is ever polled.

export class Deadlines {
  readonly now: number;
  #next = Number.POSITIVE_INFINITY;

  constructor(now: number) {
    this.now = now;
  }

  /** True once `at` has come; otherwise the plan will be made again then. */
  due(at: number): boolean {
    if (this.now >= at) return true;
    if (at < this.#next) this.#next = at;
    return false;
  }

  /** The earliest time that a rule waits for; null if none does. */
  get next(): number | null {
    return Number.isFinite(this.#next) ? this.#next : null;
  }
}
