// How long things may take in a function, and how many at once, by Lambda's own variables. Pure; in the primary of `tutti lambda`.

type Environment = Readonly<Record<string, string | undefined>>;

/** Lambda stops an init after 10 s, and begins it anew with the first request; the process may have begun a little later than that. */
const MOST_INIT_MS = 9_500;
/** An answer that nobody waits for any more is none. */
const LONGEST_MARGIN_MS = 500;

/** How many invocations there may be at once: 1 but on Lambda Managed Instances. */
export function concurrencyOf(env: Environment): number {
  const given = Number(env.AWS_LAMBDA_MAX_CONCURRENCY ?? 1);
  return Number.isInteger(given) && given > 0 ? given : 1;
}

/** Whether the environment takes several invocations at once. It is not frozen in between then. */
export function isManaged(env: Environment): boolean {
  return env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined;
}

/** How long the first invocation may wait for the application to be ready, before the rest of the wait is its own; null: as long as it takes. */
export function initWaitMs(env: Environment, uptimeMs: number): number | null {
  const isLimited = !isManaged(env) && (env.AWS_LAMBDA_INITIALIZATION_TYPE ?? 'on-demand') === 'on-demand';
  return isLimited ? Math.max(0, MOST_INIT_MS - uptimeMs) : null;
}

/** How long an invocation may take, so that its failure is told before Lambda ends the whole environment; null: nobody knows. */
export function patienceMs(deadlineMs: number, now: number): number | null {
  if (!Number.isFinite(deadlineMs)) return null;
  const left = Math.max(0, deadlineMs - now);
  return Math.round(left - Math.min(LONGEST_MARGIN_MS, left / 10));
}
