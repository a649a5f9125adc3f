// Signs that the application is ending itself: if it closes its server now, it will not open it again. Runs in the worker.
import * as clock from '../clock.ts';

/** Who goes on for longer after an error has got over it. */
const SIGN_MS = 30_000;

let signAt = Number.NEGATIVE_INFINITY;

/** An uncaught error that the application handles, a signal to itself, or cluster.worker.disconnect(). */
export function noteSign(): void {
  signAt = clock.now();
}

export function isEndingItself(): boolean {
  return clock.now() - signAt < SIGN_MS;
}
