// Writes this worker's request counts on the scoreboard, where they outlive it: a heartbeat comes once a second, and
// a process that is killed says nothing any more. At the end of the loop turn if nothing was written lately,
// else a moment later: so a busy worker writes a thousand times a second at most. Runs in the worker.

import { performance } from 'node:perf_hooks';
import type { OwnRecord } from './own-record.ts';
import { setCounted } from './requests.ts';

/** As node has them now: what an application puts in their place is none of ours. */
const atEndOfTurn = setImmediate;
const later = setTimeout;
const LEAST_MS = 1;

export function keepTally(record: OwnRecord): void {
  let isDue = false;
  let writtenAt = 0;
  const write = (): void => {
    isDue = false;
    writtenAt = performance.now();
    // Without room in memory the heartbeats go on to tell.
    if (!record.writeTally()) setCounted(null);
  };
  // Rings once for nothing; from then on it is wound up again instead of made anew.
  const timer = later(write, LEAST_MS).unref();
  setCounted(() => {
    if (isDue) return;
    isDue = true;
    if (performance.now() - writtenAt >= LEAST_MS) atEndOfTurn(write);
    else timer.refresh();
  });
}
