// The CPU time that a process has used, as the kernel counts it (primary; Linux). A worker with a blocked loop cannot tell it.

import { statFields } from '../../protocol/orphans/process-identity.ts';

/** The kernel reports times in hundredths of a second, whatever its internal clock. */
const TICK_MICROS = 10_000;

/** Of all threads; null on other systems and for a process that has ended. */
export function cpuMicros(pid: number): number | null {
  const fields = statFields(pid);
  const micros = (Number(fields?.[11]) + Number(fields?.[12])) * TICK_MICROS;
  return Number.isNaN(micros) ? null : micros;
}
