// Long work in steps: never more than some milliseconds in a row, and then a rest of twice that, because the loop belongs to the app. Runs in
// the primary.

import { setTimeout as delay } from 'node:timers/promises';

/** Chosen, not measured: a third of the loop, in pieces that no answer of the primary is noticed to wait for. */
const WORK_MS = 8;
const REST = 2;
/** On a busy machine a step takes longer than its work, and a scraper does not wait for ever. */
const LONGEST_REST_MS = 30;

export class Pace {
  #since = performance.now();

  /** Null: go on. */
  rest(): Promise<void> | null {
    const workedMs = performance.now() - this.#since;
    if (workedMs < WORK_MS) return null;
    return delay(Math.min(LONGEST_REST_MS, REST * workedMs)).then(() => {
      this.#since = performance.now();
    });
  }
}
