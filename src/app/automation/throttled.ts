// When throttling is worth a word: the kernel counts, and this looks at a minute at a time. Pure; in the primary.

import type { Throttling } from '../../host/machine/cgroup.ts';

/** 30 looks, two seconds apart: a minute. */
const LOOKS = 30;
/** A share of the periods that clients notice. A quota that is used well throttles now and then. */
const MUCH = 0.25;
/** After it was said, it is quiet for ten minutes. */
const QUIET_LOOKS = 300;

export class Throttled {
  #last: Throttling | null = null;
  #looks = 0;
  #quiet = 0;

  /** To be called every two seconds. What to say of the last minute; null: nothing. */
  next(now: Throttling | null): { share: number; seconds: number } | null {
    this.#looks += 1;
    this.#quiet = Math.max(0, this.#quiet - 1);
    if (now === null || this.#last === null || now.periods < this.#last.periods) {
      this.#begin(now);
      return null;
    }
    if (this.#looks < LOOKS) return null;
    const periods = now.periods - this.#last.periods;
    const share = periods === 0 ? 0 : (now.throttled - this.#last.throttled) / periods;
    const seconds = now.seconds - this.#last.seconds;
    this.#begin(now);
    if (share < MUCH || this.#quiet > 0) return null;
    this.#quiet = QUIET_LOOKS;
    return { share, seconds };
  }

  #begin(now: Throttling | null): void {
    this.#last = now;
    this.#looks = 0;
  }
}
