// Time inside one pass of the plan. Pure: the time is a number that it is given. In the primary.
//
// Every rule asks `due(at)` instead of comparing times itself. Times that have not come yet are remembered, and the earliest is when the plan
// runs again. So no deadline can be forgotten, and nothing is polled.

export class Deadlines {
  readonly now: number;
  #next = Number.POSITIVE_INFINITY;

  constructor(now: number) {
    this.now = now;
  }

  /** True once `at` has come. Otherwise the plan runs again at that time. */
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
