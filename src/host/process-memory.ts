// The memory a process really costs (primary; Linux). Resident size counts pages that all workers share once for each of
// them; the proportional set size does not. The kernel walks the whole address space for it, so it is read only when asked for.

import { readFile } from 'node:fs/promises';

/** Proportional set size in bytes, or null where it cannot be known: other systems, a process that ended, foreign processes. */
export async function pssBytes(pid: number): Promise<number | null> {
  if (process.platform !== 'linux') return null;
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
