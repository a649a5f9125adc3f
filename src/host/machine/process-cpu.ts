// The CPU time that a process has used (primary; Linux), as the kernel counts it: a worker whose loop stands still tells nothing.

import { statFields } from '../process/process-identity.ts';

/** The kernel tells times in hundredths of a second, whatever its own clock. */
const TICK_MICROS = 10_000;

/** Of all its threads; null where it cannot be known: other systems, a process that ended. */
export function cpuMicros(pid: number): number | null {
  const fields = statFields(pid);
  const micros = (Number(fields?.[11]) + Number(fields?.[12])) * TICK_MICROS;
  return Number.isNaN(micros) ? null : micros;
}
