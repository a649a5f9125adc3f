// Looks whether the files of living generations were overwritten (primary): before a command is decided on, when a worker has
// ended, and from time to time for what the core does by its own clock. Each generation is told once.

import { monotonicMs } from '../monotonic.ts';
import type { Generations } from './generations.ts';

/** A look costs some 50 µs a file. */
const EVERY_MS = 30_000;
/** Workers that end one after the other need not each have a thousand files looked at. */
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

  /** Kept when every change up to now has been told, or when that takes too long. */
  async look(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((done) => {
      timer = setTimeout(done, AT_MOST_MS);
    });
    // One that is under way may have passed the file that has changed since.
    const before = this.#looking ?? Promise.resolve();
    await Promise.race([before.then(() => this.#look()), enough]);
    clearTimeout(timer);
  }

  /** As `look`, unless that was done a moment ago. */
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
