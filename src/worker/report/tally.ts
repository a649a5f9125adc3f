// Writes this worker's request counts to the scoreboard, where they are always current and outlive a killed worker, except for the last
// PAUSE_MS. A heartbeat comes only once a second. Runs in the worker; the primary reads them in src/host/connections/scoreboard.ts.

import * as clock from '../clock.ts';
import { guarded, later } from '../guard.ts';
import { setCounted } from './requests.ts';
import type { ScoreboardSeat } from './scoreboard-seat.ts';

/** Measured: a write takes 1–2 µs in a busy process, so all writes are less than 0.2 % of its time. */
const LEAST_MS = 1;
/** After a pause of this length the rest is written. Not much sooner: waking up for it would cost more than the requests. */
const PAUSE_MS = 10;

export function keepTally(seat: ScoreboardSeat): void {
  let isDue = false;
  let isArmed = true;
  let writtenAt = 0;
  const write = (now: number): void => {
    isDue = false;
    writtenAt = now;
    // Without memory for the file, the heartbeats carry the counts.
    if (!seat.writeTally()) setCounted(null);
  };
  // It fires once for nothing. From then on the same timer is refreshed instead of creating new ones.
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
