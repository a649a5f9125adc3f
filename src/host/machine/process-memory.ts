// The memory a process really costs (primary; Linux). Resident size counts pages that all workers share once for each of
// them; the proportional set size does not. The kernel walks the whole address space for it, so it is read only when somebody
// asks, and not more often than every few seconds however often they do: of a young process, which still grows, more often than of an old one.

import { readFileSync } from 'node:fs';

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

  /** As `memorySize`, but what was read lately is not read again. */
  of(pid: number, now: number): MemorySize | null {
    const last = this.#read.get(pid);
    if (last !== undefined && now - last.at < keptMs(last)) return last.size;
    // Processes come and go: what is old is of no use to anyone.
    for (const [other, { at }] of this.#read) if (now - at >= 2 * KEPT_MS) this.#read.delete(other);
    const size = memorySize(pid);
    this.#read.set(pid, { size, since: last?.since ?? now, at: now });
    return size;
  }
}

/** For about as long as it was known when it was read. */
function keptMs({ since, at }: { since: number; at: number }): number {
  return Math.min(KEPT_MS, Math.max(LEAST_KEPT_MS, at - since));
}

/** Null where it cannot be known: other systems, a process that ended, foreign processes. */
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
