// How many descriptors the primary may spend on clients that wait (primary).

import { readFileSync } from 'node:fs';

/** Those of workers, of their output, of the control socket, and of the next fork. */
const RESERVE = 48;
const LEAST = 8;
const MOST = 16_384;

/** What the limit of open files leaves beside the reserve, 8 to 16384. */
export function mostParked(limit: number = openFilesLimit()): number {
  return Math.min(Math.max(limit - RESERVE, LEAST), MOST);
}

function openFilesLimit(): number {
  try {
    return (
      Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? Number.NaN) || 1024
    );
  } catch {
    // Not Linux: what is usual elsewhere.
    return 1024;
  }
}
