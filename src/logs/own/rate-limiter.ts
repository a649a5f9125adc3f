// Keeps a flood out of the log: of one kind of line only so many pass in a window, and the first of the next window tells how many
// did not. Pure: time comes in.

export interface DamperOptions {
  most: number;
  windowMs: number;
}

interface Window {
  startedAt: number;
  passed: number;
  held: number;
}

/** Of more kinds than this at a time, the one whose window began first is forgotten: some kinds carry words that never come again. */
const MOST_KINDS = 500;

export type Passage = { pass: false } | { pass: true; heldBefore: number; isLast: boolean };

export class RateLimiter {
  readonly #options: DamperOptions;
  readonly #windows = new Map<string, Window>();

  constructor(options: DamperOptions) {
    this.#options = options;
  }

  /** Whether a line of this kind may be written now. `isLast`: it is the last of its window. */
  ask(kind: string, now: number): Passage {
    const { most, windowMs } = this.#options;
    let window = this.#windows.get(kind);
    let heldBefore = 0;
    if (window === undefined || now - window.startedAt >= windowMs) {
      heldBefore = window?.held ?? 0;
      window = { startedAt: now, passed: 0, held: 0 };
      // Again at the end: the first is always the one that began first.
      this.#windows.delete(kind);
      this.#windows.set(kind, window);
      const [first] = this.#windows.keys();
      if (this.#windows.size > MOST_KINDS && first !== undefined) this.#windows.delete(first);
    }
    if (window.passed >= most) {
      window.held += 1;
      return { pass: false };
    }
    window.passed += 1;
    return { pass: true, heldBefore, isLast: window.passed === most };
  }
}
