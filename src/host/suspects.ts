// Which kinds of requests have ended workers: those do not run again elsewhere (primary). Nothing here knows for certain: a kind that is
// suspected without reason is only lost with its worker, as without a replay.

import type { DyingKind } from '../protocol/replay.ts';

/** A kind that has not been there for so long when a worker died may be tried again. */
const FORGET_MS = 10 * 60_000;
const MOST = 200;

export class Suspects {
  readonly #now: () => number;
  /** When each was last there. */
  readonly #known = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  has(kind: string): boolean {
    const at = this.#known.get(kind);
    return at !== undefined && this.#now() - at < FORGET_MS;
  }

  /** A worker dies of its own code. `kinds`: of the requests that it was serving. */
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
    // Nothing else was there.
    if (kinds.length === 1) return kinds;
    // Two workers in a row. What always ends them is never answered; else it is seldom there more than once.
    const again = kinds.filter((each) => each.again);
    const never = again.filter(({ answered }) => !answered);
    const fewest = Math.min(...again.map(({ count }) => count));
    const blamed = never.length > 0 ? never : again.filter(({ count }) => count === fewest);
    // One that is known explains it.
    return known.some(({ count }) => blamed.every((each) => count <= each.count)) ? [] : blamed;
  }
}
