// When orphans start no other supervisor any more: as systemd's limit on starts, so that one that dies again and again is noticed, and does not cost
// the app a set of fresh workers every few seconds. Used by the primary, the CLI and, once its primary is dead, by a worker.

/** How long a supervisor has had all its workers ready when it counts as one that works. Chosen, not measured. */
export const LASTING_MS = 10_000;
/** In a row, each in place of one that did not last. Chosen, not measured: somebody who tries ten kills, one after the other, is not stopped. */
export const MOST_REVIVALS = 15;

/** `revivals`: which in a row the dead one was; 0: it had lasted, or nobody had died before it. */
export function mayRevive(revivals: number): boolean {
  return revivals < MOST_REVIVALS;
}
