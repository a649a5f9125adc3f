// The memory that a process really costs (primary; Linux). The resident size counts pages that all workers share once for each of them; the
// proportional set size does not. The kernel walks the whole address space for it, so it is read only on demand, and at most every few
// seconds: more often for a young process, which still grows, than for an old one.

import { readFileSync } from 'node:fs';

/** A reading walks the whole memory of a process. Chosen, not measured. */
const KEPT_MS = 5000;
const LEAST_KEPT_MS = 250;

export interface MemorySize {
  /** Proportional: what it shares with others counts in part. */
  pssBytes: number;
  /** Resident: what it shares with others counts in full. */
  rssBytes: number;
}

export class ProcessMemory {
  readonly #read = new Map<number, { size: MemorySize | null; since: number; at: number }>();

  /** As `memorySize`, but cached for a few seconds. */
  of(pid: number, now: number): MemorySize | null {
    const last = this.#read.get(pid);
    if (last !== undefined && now - last.at < keptMs(last)) return last.size;
    // Processes come and go, so old entries are dropped.
    for (const [other, { at }] of this.#read) if (now - at >= 2 * KEPT_MS) this.#read.delete(other);
    const size = memorySize(pid);
    this.#read.set(pid, { size, since: last?.since ?? now, at: now });
    return size;
  }
}

/** A reading is kept for about as long as its process had been known by then. */
function keptMs({ since, at }: { since: number; at: number }): number {
  return Math.min(KEPT_MS, Math.max(LEAST_KEPT_MS, at - since));
}

/** Null on other systems, and for processes that have ended or belong to others. */
export function memorySize(pid: number): MemorySize | null {
  if (process.platform !== 'linux') return null;
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
    const size = { pssBytes: bytes('Pss'), rssBytes: bytes('Rss') };
    return Number.isNaN(size.pssBytes + size.rssBytes) ? null : size;
  } catch {
    return null;
  }
}
