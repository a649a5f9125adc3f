// Waits for a condition instead of sleeping.

import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  /** How long the condition may take; long enough for a loaded machine of two cores. */
  deadlineMs?: number;
  everyMs?: number;
}

/**
 * Asks `probe` again and again until it answers something truthy, and returns that. Fails, naming `what` and the last thing
 * seen, when the deadline is over. A probe that throws counts as "not yet".
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  { deadlineMs = 30_000, everyMs = 20 }: Patience = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await probe();
      if (seen) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      throw new Error(
        `Not within ${deadlineMs} ms: ${what}. Last seen: ${last instanceof Error ? last.message : String(last)}`,
      );
    }
    await delay(everyMs);
  }
}

/** `promise`, or a failure that names `what` when the deadline is over. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs = 30_000): Promise<T> {
  const abort = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: abort.signal }).then(
    () => {
      throw new Error(`Not within ${deadlineMs} ms: ${what}.`);
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    abort.abort();
  }
}
