// Writes this worker's request counts beside its cell of the scoreboard, where they outlive it: a heartbeat comes once a second, and
// a process that is killed says nothing any more. One short write per loop turn in which an answer was completed. Runs in the worker.

import { openSync, writeSync } from 'node:fs';
import { TALLY_BYTES, tallyOffset } from '../protocol/scoreboard-layout.ts';
import { requestTally, setCounted } from './requests.ts';

/** As node has it now: what the application puts in its place, in its tests say, is none of ours. */
const nextTurn = setImmediate;

export function keepTally({ path, cell }: { path: string; cell: number }): void {
  const fd = openSync(path, 'r+');
  const tally = requestTally();
  const offset = tallyOffset(cell);
  let isDue = false;
  const write = (): void => {
    isDue = false;
    try {
      writeSync(fd, tally, 0, TALLY_BYTES, offset);
    } catch {
      // No room in memory: the heartbeats go on to tell.
      setCounted(null);
    }
  };
  setCounted(() => {
    if (isDue) return;
    isDue = true;
    nextTurn(write);
  });
}
