// Whether an orchestrator may send traffic to this machine. Runs in the primary.

import type { Snapshot } from '../../supervisor/picture/snapshot.ts';

/**
 * Ready while at least half of the wanted workers (at least one) are ready, from the first complete start until a stop
 * begins. A reload never makes it false: it keeps the wanted number ready.
 */
export function readinessOf(snapshot: Snapshot): { ok: boolean; reason: string } {
  const ready = snapshot.workers.filter((worker) => worker.state === 'ready' || worker.state === 'suspect').length;
  const enough = Math.max(1, Math.ceil(snapshot.target / 2));
  if (snapshot.state === 'stopping' || snapshot.state === 'stopped') return { ok: false, reason: snapshot.state };
  if (snapshot.state === 'starting') return { ok: false, reason: `starting: ${ready} of ${snapshot.target} workers` };
  return { ok: ready >= enough, reason: `${ready} of ${snapshot.target} workers are ready, ${enough} are enough` };
}
