// What config/ is told of the process it runs in: part of the composition, because only host/ knows the limits.

import type { Surroundings } from '../config/app.ts';
import { currentFolder } from '../config/entry/current-folder.ts';
import type { Allowance } from '../config/sizing.ts';
import { cpuAllowance, memoryLimitBytes } from '../host/machine/cgroup.ts';

export function surroundings(
  cwd: string = currentFolder(process.env),
  // A copy: a reload works with the environment of the start.
  env: Readonly<Record<string, string | undefined>> = { ...process.env },
): Surroundings {
  return { cwd, env, limits, node: process.execPath };
}

/** As they are now. */
export function limits(): Allowance {
  const { count, affinity, quota, from } = cpuAllowance();
  return {
    cpus: count,
    allCpus: affinity,
    quota: quota === null || from === null ? null : { cpus: quota, from },
    memoryBytes: memoryLimitBytes(),
  };
}
