// What config/ is told of the process it runs in: part of the composition, because the CPU quota is known only to host/.

import type { Surroundings } from '../config/app.ts';
import { currentFolder } from '../config/entry/current-folder.ts';
import { cpuAllowance } from '../host/machine/cgroup.ts';

export function surroundings(
  cwd: string = currentFolder(process.env),
  // A copy: a reload works with the environment of the start.
  env: Readonly<Record<string, string | undefined>> = { ...process.env },
): Surroundings {
  return { cwd, env, cpus: () => cpuAllowance().count, node: process.execPath };
}
