// Notes signs that the application is ending itself: a server that it closes now will not open again. Runs in the worker.
import * as clock from '../clock.ts';

/** An application that is still there this long after a sign has got over it. */
const SIGN_MS = 30_000;

let signAt = Number.NEGATIVE_INFINITY;

/** An uncaught error that the application handles, a signal to itself, or cluster.worker.disconnect(). */
export function noteSign(): void {
  signAt = clock.now();
}

export function isEndingItself(): boolean {
  return clock.now() - signAt < SIGN_MS;
}
