// Whether there is memory for one more worker: what the control group has left, and what a worker takes (primary; Linux).

import type { MemoryRoom } from '../../supervisor/decide/headroom.ts';
import { memoryFreeBytes } from './cgroup.ts';
import type { ProcessMemory } from './process-memory.ts';

/** One look for all starts of a moment. Chosen, not measured. */
const KEPT_MS = 1000;

export class WorkerMemory {
  readonly #memory: ProcessMemory;
  #last: { room: MemoryRoom | null; at: number } | null = null;

  constructor(memory: ProcessMemory) {
    this.#memory = memory;
  }

  /** Null without a limit. Cached for a moment. */
  room(workers: readonly { pid: number }[], now: number): MemoryRoom | null {
    if (this.#last === null || now - this.#last.at >= KEPT_MS) this.#last = { room: this.#look(workers, now), at: now };
    return this.#last.room;
  }

  #look(workers: readonly { pid: number }[], now: number): MemoryRoom | null {
    const freeBytes = memoryFreeBytes();
    if (freeBytes === null) return null;
    const sizes = workers.map(({ pid }) => this.#memory.of(pid, now)?.pssBytes).filter((bytes) => bytes !== undefined);
    sizes.sort((a, b) => a - b);
    // The median: some have just been started, and one may leak.
    return { freeBytes, workerBytes: sizes[Math.floor(sizes.length / 2)] ?? 0 };
  }
}
