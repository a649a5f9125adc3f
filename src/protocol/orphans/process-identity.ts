// Which process a pid means: numbers are given out again, so a process is known by its number and the moment of its birth (Linux).
// Used by the primary, the CLI and, once its primary is dead, by a worker.

import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessIdentity } from './orders.ts';

export type { ProcessIdentity };

export interface ProcessStatus extends ProcessIdentity {
  /** T: stopped. */
  state: string;
}

/** Null where nobody of that number lives, a process that has ended and waits for its parent included, or where it cannot be known. */
export function processStatus(pid: number): ProcessStatus | null {
  const [state = 'X', ...fields] = statFields(pid) ?? [];
  const born = fields[18];
  return born === undefined || state === 'Z' || state === 'X' ? null : { pid, born, state };
}

/** Null where `processStatus` is. */
export function identityOf(pid: number): ProcessIdentity | null {
  const status = processStatus(pid);
  return status === null ? null : { pid: status.pid, born: status.born };
}

/** What /proc tells of a process from its state on, which proc(5) counts as the third field; null where it cannot be known. */
export function statFields(pid: number): readonly string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name before it stands in parentheses and may itself hold some, and blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

export function lives({ pid, born }: ProcessIdentity): boolean {
  return processStatus(pid)?.born === born;
}

/**
 * It has given everything back. The first thread of a process that is killed can be a zombie while another still holds the descriptors, and the
 * children are that one's.
 */
export function isGone({ pid, born }: ProcessIdentity): boolean {
  const [state = 'X', ...fields] = statFields(pid) ?? [];
  if (fields[18] !== born) return true;
  if (state !== 'Z' && state !== 'X') return false;
  try {
    return readdirSync(`/proc/${pid}/task`).length <= 1;
  } catch {
    return true;
  }
}

/** Also of another user's. A zombie has given everything back and only waits for its parent, which in a container may take its time. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const state = statFields(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}
