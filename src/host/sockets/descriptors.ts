// What the primary may spend its descriptors on: clients that wait, and workers (primary).

import { readdirSync, readFileSync } from 'node:fs';

/** Those of workers, of their output, of the control socket, and of the next fork. */
const RESERVE = 48;
const LEAST = 8;
const MOST = 16_384;

/** What the limit of open files leaves beside the reserve, 8 to 16384. */
export function mostParked(limit: number = openFilesLimit()): number {
  return Math.min(Math.max(limit - RESERVE, LEAST), MOST);
}

/** For a fork, while it lasts. */
const FORK_TAKES = 4;
/** So that a command is still heard, and a file still read, when the workers have taken the rest. */
const KEPT = 4;

/** Whether one more worker leaves the primary enough to be controlled. */
export function hasRoomForWorker(): boolean {
  try {
    return openFilesLimit() - readdirSync('/proc/self/fd').length >= FORK_TAKES + KEPT;
  } catch (error) {
    // Not Linux: the system says so itself.
    return (error as NodeJS.ErrnoException).code !== 'EMFILE';
  }
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
