// The memory a process really costs (primary; Linux). Resident size counts pages that all workers share once for each of
// them; the proportional set size does not. The kernel walks the whole address space for it, so it is read only when somebody
// asks, and not more often than every few seconds however often they do.

import { readFileSync } from 'node:fs';

const KEPT_MS = 5000;

export class ProcessMemory {
  readonly #read = new Map<number, { pssBytes: number | null; at: number }>();

  /** As `pssBytes`, but what was read lately is not read again. */
  pssBytes(pid: number, now: number): number | null {
    const last = this.#read.get(pid);
    if (last !== undefined && now - last.at < KEPT_MS) return last.pssBytes;
    // Processes come and go: what is old is of no use to anyone.
    for (const [other, { at }] of this.#read) if (now - at >= KEPT_MS) this.#read.delete(other);
    const read = { pssBytes: pssBytes(pid), at: now };
    this.#read.set(pid, read);
    return read.pssBytes;
  }
}

/** Proportional set size in bytes, or null where it cannot be known: other systems, a process that ended, foreign processes. */
export function pssBytes(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  try {
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
