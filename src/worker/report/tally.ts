// Writes this worker's request counts on the scoreboard, where everybody reads them as of now, and where they outlive it, but for the last
// PAUSE_MS: a heartbeat comes once a second, and a process that is killed says nothing any more. Runs in the worker.

import * as clock from '../clock.ts';
import { guarded, later } from '../guard.ts';
import { setCounted } from './requests.ts';
import type { ScoreboardSeat } from './scoreboard-seat.ts';

/** A write takes 1–2 µs in a busy process, so all of them are less than a fifth of a percent of its time. */
const LEAST_MS = 1;
/** A worker that pauses writes by then what it still owes. Not much sooner: to wake up for it would cost more than the requests. */
const PAUSE_MS = 10;

export function keepTally(seat: ScoreboardSeat): void {
  let isDue = false;
  let isArmed = true;
  let writtenAt = 0;
  const write = (now: number): void => {
    isDue = false;
    writtenAt = now;
    // Without room in memory the heartbeats go on to tell.
    if (!seat.writeTally()) setCounted(null);
  };
  // Rings once for nothing; from then on it is wound up again instead of made anew.
  const pause = guarded('writing the counts of requests', () => {
    isArmed = false;
    if (isDue) write(clock.now());
  });
  const timer = later(PAUSE_MS, pause).unref();
  setCounted((now) => {
    if (now - writtenAt >= LEAST_MS) return write(now);
    isDue = true;
    if (isArmed) return;
    isArmed = true;
    timer.refresh();
  });
}
