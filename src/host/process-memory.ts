// The memory a process really costs (primary; Linux). Resident size counts pages that all workers share once for each of
// them; the proportional set size does not. The kernel walks the whole address space for it, so it is read only when somebody
// asks, and not more often than every few seconds however often they do.

import { readFileSync } from 'node:fs';
import type { Snapshot } from '../supervisor/snapshot.ts';

const KEPT_MS = 5000;

export class ProcessMemory {
  #read = new Map<number, { pssBytes: number | null; at: number }>();

  /** The snapshot with the memory of its workers filled in, and nothing remembered of processes that are not in it. */
  fillIn(snapshot: Snapshot, now: number): Snapshot {
    const read = new Map<number, { pssBytes: number | null; at: number }>();
    const workers = snapshot.workers.map((worker) => {
      if (worker.pid === null) return worker;
      const last = this.#read.get(worker.pid);
      const fresh = last !== undefined && now - last.at < KEPT_MS ? last : { pssBytes: pssBytes(worker.pid), at: now };
      read.set(worker.pid, fresh);
      return { ...worker, pssBytes: fresh.pssBytes };
    });
    this.#read = read;
    return { ...snapshot, workers };
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
