// How long a slot waits after an unplanned exit. Pure.

// Chosen, not measured. 30 s is as long as an operator who has mended the cause waits for the next try, and `shakyFirstMs` is far below a
// second, because one poison request a second must not stop the service.
export const provenMs = 10_000;
const firstMs = 500;
const longestMs = 30_000;
const shakyFirstMs = 100;
const freeStarts = 10;
const rationMs = 1_000;

/** A worker that was ready for this long has proven itself: its death is an accident, not a crash loop. */
export function isProven(readyForMs: number | null): boolean {
  return readyForMs !== null && readyForMs >= provenMs;
}

/** `earlyDeaths`: how many in a row, at least 1. The delay is jittered between half and all of it. */
export function earlyDelayMs(earlyDeaths: number, random: number): number {
  return jitter(Math.min(longestMs, firstMs * 2 ** Math.min(earlyDeaths - 1, 16)), random);
}

/**
 * For a worker that had just become ready, in a generation that has proven itself. Such deaths come from outside the code: a poison request,
 * a dependency that went away. If the delay grew to 30 s, one poison request a second could stop the service, so it stays short. It grows
 * with the number of workers, so that all of them together start at most about two a second.
 */
export function shakyDelayMs(shakyDeaths: number, workers: number, random: number): number {
  const most = Math.min(longestMs, firstMs * Math.max(1, workers));
  return jitter(Math.min(most, shakyFirstMs * 2 ** Math.min(shakyDeaths - 1, 16)), random);
}

/**
 * For a worker that had served: its code works, so only the CPU cost of starts is bounded, by a token bucket of ten starts that fills by one
 * a second. `paidUntil`: from the last result (0 at first).
 */
export function rationed(paidUntil: number, now: number): { paidUntil: number; delayMs: number } {
  const paid = Math.max(paidUntil, now) + rationMs;
  return { paidUntil: paid, delayMs: Math.max(0, paid - now - freeStarts * rationMs) };
}

function jitter(ms: number, random: number): number {
  return Math.round(ms * (0.5 + random / 2));
}
