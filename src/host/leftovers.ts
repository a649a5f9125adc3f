// Removes what killed primaries left in a shared folder. The name of each file says which process it belonged to (primary).

import { lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { namesIfAny } from '../files/ownership.ts';
import { isAlive } from '../protocol/orphans/process-identity.ts';
import { pidNamespace } from './process/process-identity.ts';

/** A part of the name of everything that must not outlive this process. */
export function ownMark(): string {
  return `${pidNamespace()}-${process.pid}`;
}

/** Removes what dead processes of this user have left. The groups of `pattern` are the two numbers of the mark. */
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
      // Another start was faster, or it may not be removed. There may be more.
    }
  }
}
