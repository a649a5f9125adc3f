// Which kinds of requests may have ended workers, and so do not run again elsewhere (primary). This is guesswork: requests of a kind that is
// wrongly suspected are lost with their worker, as without a replay. The worker's side is src/worker/replay.ts.

import type { DyingKind } from '../protocol/replay.ts';

/** A kind may be tried again when no worker has died with it for this long. */
const FORGET_MS = 10 * 60_000;
const MOST = 200;

export class Suspects {
  readonly #now: () => number;
  /** When a worker last died with each kind. */
  readonly #known = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  has(kind: string): boolean {
    const at = this.#known.get(kind);
    return at !== undefined && this.#now() - at < FORGET_MS;
  }

  /** A worker dies of its own code. `kinds`: the requests that it was serving. */
  died(kinds: readonly DyingKind[]): void {
    const known = kinds.filter(({ kind }) => this.has(kind));
    for (const { kind } of [...known, ...this.#blamed(kinds, known)]) {
      this.#known.delete(kind);
      this.#known.set(kind, this.#now());
    }
    for (const [kind] of this.#known) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(kind);
    }
  }

  #blamed(kinds: readonly DyingKind[], known: readonly DyingKind[]): readonly DyingKind[] {
    const culprits = kinds.filter(({ culprit }) => culprit);
    if (culprits.length > 0) return culprits;
    // It is the only one.
    if (kinds.length === 1) return kinds;
    // It was there when two workers in a row died. A kind that always kills is never answered, and rarely there more than once.
    const again = kinds.filter((each) => each.again);
    const never = again.filter(({ answered }) => !answered);
    const fewest = Math.min(...again.map(({ count }) => count));
    const blamed = never.length > 0 ? never : again.filter(({ count }) => count === fewest);
    // A known suspect explains the death.
    return known.some(({ count }) => blamed.every((each) => count <= each.count)) ? [] : blamed;
  }
}
