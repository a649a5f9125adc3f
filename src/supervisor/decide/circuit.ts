// The pool's circuit: too many early deaths within a minute, in whichever slots, stop parallel starts. While it is open, one worker at a time
// is tried, and one that survives closes it. Pure data; in the primary.

/** Chosen, not measured, as are the pauses between tries. */
const windowMs = 60_000;
const probeEveryMs = { someReady: 30_000, noneReady: 5_000 };

export interface Circuit {
  openedAt: number | null;
  /** Times of early deaths within the window. */
  deaths: number[];
  /** When the last attempt ended (or the circuit opened). */
  lastAttemptAt: number;
}

export const circuitWindowMs = windowMs;

export function newCircuit(): Circuit {
  return { openedAt: null, deaths: [], lastAttemptAt: 0 };
}

/** Counts one early death. True if this one opened the circuit. */
export function countEarlyDeath(circuit: Circuit, workers: number, now: number): boolean {
  circuit.deaths = circuit.deaths.filter((at) => at > now - windowMs);
  circuit.deaths.push(now);
  circuit.lastAttemptAt = now;
  const limit = Math.max(5, 3 * workers);
  if (circuit.openedAt !== null || circuit.deaths.length <= limit) return false;
  circuit.openedAt = now;
  return true;
}

export function closeCircuit(circuit: Circuit): void {
  circuit.openedAt = null;
  circuit.deaths = [];
}

/** When the next single worker may be tried. */
export function nextProbeAt(circuit: Circuit, someReady: boolean): number {
  return circuit.lastAttemptAt + (someReady ? probeEveryMs.someReady : probeEveryMs.noneReady);
}
