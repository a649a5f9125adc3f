// The core's clock and its one alarm (primary). It is monotonic and starts anywhere: setting the machine's time must not move deadlines.

import { monotonicMs } from './monotonic.ts';

/** The longest delay for setTimeout. A longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

export class Clock {
  #timer: NodeJS.Timeout | null = null;
  readonly #onAlarm: () => void;

  constructor(onAlarm: () => void) {
    this.#onAlarm = onAlarm;
  }

  /** Monotonic milliseconds. */
  now(): number {
    // Whole ones: they end up in events and tables.
    return Math.round(monotonicMs());
  }

  /** Calls the alarm at this time or as soon after as possible. Replaces the previous alarm. */
  wakeAt(at: number): void {
    this.clear();
    // Rounded up: a timer that fires a fraction too early would only be set again.
    const delayMs = Math.min(LONGEST_MS, Math.max(0, Math.ceil(at - this.now())));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#onAlarm();
    }, delayMs);
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
