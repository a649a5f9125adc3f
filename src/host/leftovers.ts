// What primaries leave in a shared folder when they are killed, known by a name that says whose it is (primary).

import { lstatSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { namesIfAny } from '../files/ownership.ts';

/** Stands in the name of what must not outlive this process. */
export function ownMark(): string {
  return `${pidNamespace()}-${process.pid}`;
}

/** Removes what this user's dead processes have left; the pattern's groups are the two numbers of the mark. */
export function removeLeftovers(folder: string, pattern: RegExp): void {
  for (const name of namesIfAny(folder)) {
    const [, namespace, pid] = pattern.exec(name) ?? [];
    if (namespace !== pidNamespace() || isAlive(Number(pid))) continue;
    try {
      const path = join(folder, name);
      const stats = lstatSync(path);
      const isOurs = process.getuid === undefined || stats.uid === process.getuid();
      // Root gave it to the user of its workers. Never a folder of theirs: they could lead us elsewhere.
      const isGiven = process.getuid?.() === 0 && stats.isFile();
      if (isOurs || isGiven) rmSync(path, { recursive: isOurs, force: true });
    } catch {
      // Another start was quicker, or it may not be removed: there may be more.
    }
  }
}

/** The containers of a pod share folders, but not the numbers of their processes. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
