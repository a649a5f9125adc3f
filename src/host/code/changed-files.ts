// Checks whether the files of living generations were overwritten: before a command is decided on, after a worker has ended, and from time to
// time for what the core does by its own clock. Each generation is reported once (primary).

import { monotonicMs } from '../monotonic.ts';
import type { Generations } from './generations.ts';

/** A look costs about 50 µs per file. */
const EVERY_MS = 30_000;
/** Workers that end one after another need no check of a thousand files each. */
const FRESH_MS = 1000;
/** A file system that does not answer must not keep a crashed worker from being restarted. */
const AT_MOST_MS = 200;

export class ChangedFiles {
  readonly #generations: Generations;
  readonly #onChanged: (generation: number) => void;
  readonly #told = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  #closed = false;

  constructor(generations: Generations, onChanged: (generation: number) => void) {
    this.#generations = generations;
    this.#onChanged = onChanged;
    this.#timer = setInterval(() => void this.look(), EVERY_MS);
    this.#timer.unref();
  }

  /** Resolves when every change up to now has been reported, or when that takes too long. */
  async look(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((done) => {
      timer = setTimeout(done, AT_MOST_MS);
    });
    // A running look may have passed a file that has changed since.
    const before = this.#looking ?? Promise.resolve();
    await Promise.race([before.then(() => this.#look()), enough]);
    clearTimeout(timer);
  }

  /** As `look`, unless there was one a moment ago. */
  async lookLately(): Promise<void> {
    if (monotonicMs() - this.#lookedAt >= FRESH_MS) await this.look();
  }

  forget(generation: number): void {
    this.#told.delete(generation);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  #look(): Promise<void> {
    this.#lookedAt = monotonicMs();
    const looking = Promise.all(this.#generations.numbers().map((number) => this.#lookAt(number))).then(() => {
      if (this.#looking === looking) this.#looking = null;
    });
    this.#looking = looking;
    return looking;
  }

  async #lookAt(generation: number): Promise<void> {
    if (this.#told.has(generation) || !(await this.#generations.changedInPlace(generation))) return;
    if (this.#closed || this.#told.has(generation)) return;
    this.#told.add(generation);
    this.#onChanged(generation);
  }
}
