// A slot: a stable place 0…n−1 with at most one serving worker, its successor while that one is replaced, and the failure history that decides
// when it may be filled again. Data and small questions about it; in the primary.

import type { ExitReason } from '../vocabulary/events.ts';
import type { Worker } from './worker-state.ts';

export interface Slot {
  readonly index: number;
  /** The worker that fills the slot, from its fork until it is drained, ended or dead. */
  serving: Worker | null;
  /** The worker that will take over when it is ready (or, as a canary, when it has passed). */
  successor: Worker | null;
  /** Early deaths in a row, for the backoff. */
  earlyDeaths: number;
  /** Early deaths in a row of workers that had been ready, in a proven generation. */
  shakyDeaths: number;
  /** The state of the token bucket for starts after deaths in service; see `rationed`. */
  paidUntil: number;
  /** No start before this time. */
  retryAt: number;
  /** Times of the latest starts, for the cap of starts per second. */
  starts: number[];
  restarts: number;
  lastExit: { code: number | null; signal: string | null; reason: ExitReason; at: number } | null;
  /** Since when no worker has been ready in it, after one was lost; null: one is, or its ports are closed. */
  lostAt: number | null;
  /** What the last failed worker left behind. */
  lastFailure: { detail: string; lastLines: readonly string[] } | null;
  /** A worker of this slot overran startTimeout. */
  missedStart: boolean;
  /** Its last worker died before it was ready, of an error that a retry does not cure. */
  incurable: boolean;
  /** By the restart policy, the program is done. */
  finished: { code: number | null } | null;
  /** Never filled since it became wanted. */
  fresh: boolean;
  /** `slot-broken` was reported since the circuit opened. */
  toldBroken: boolean;
}

const startsPerSecond = 5;

export function newSlot(index: number): Slot {
  return {
    index,
    serving: null,
    successor: null,
    earlyDeaths: 0,
    shakyDeaths: 0,
    paidUntil: 0,
    retryAt: 0,
    starts: [],
    restarts: 0,
    lastExit: null,
    lostAt: null,
    lastFailure: null,
    missedStart: false,
    incurable: false,
    finished: null,
    fresh: true,
    toldBroken: false,
  };
}

/** The earliest time at which the cap of 5 starts a second allows another one. */
export function startAllowedAt(slot: Slot): number {
  const oldest = slot.starts[slot.starts.length - startsPerSecond];
  return oldest === undefined ? 0 : oldest + 1000;
}

export function noteStart(slot: Slot, now: number): void {
  slot.starts.push(now);
  if (slot.starts.length > startsPerSecond) slot.starts.shift();
  slot.fresh = false;
}

/** Forgets the failures, so that the slot may be filled at once. */
export function forgive(slot: Slot): void {
  slot.earlyDeaths = 0;
  slot.shakyDeaths = 0;
  slot.retryAt = 0;
  slot.missedStart = false;
  slot.toldBroken = false;
}
