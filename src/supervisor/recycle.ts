// Planned replacement of one worker by a limit: memory, requests or lifetime (design §5, recycle). Pure; in the primary.

import type { Agenda } from './agenda.ts';
import type { Policy } from './policy.ts';
import type { Limits, Worker } from './worker-state.ts';

/** The limits of one worker, each within ±10 %, drawn at its birth. */
export function drawLimits(policy: Policy, random: () => number): Limits {
  const draw = (limit: number | null) => (limit === null ? null : Math.round(limit * (0.9 + 0.2 * random())));
  return {
    memoryBytes: draw(policy.maxMemoryBytes),
    requests: draw(policy.maxRequests),
    lifetimeMs: draw(policy.maxLifetimeMs),
  };
}

/** Why this serving worker is to be replaced, or null. */
export function recycleReason(worker: Worker, agenda: Agenda): string | null {
  const { limits, beat } = worker;
  if (worker.readyAt === null) return null;
  if (limits.lifetimeMs !== null && agenda.due(worker.readyAt + limits.lifetimeMs)) {
    return `it is older than ${limits.lifetimeMs} ms`;
  }
  if (beat === null) return null;
  if (limits.memoryBytes !== null && beat.rssBytes > limits.memoryBytes) {
    return `it uses ${beat.rssBytes} bytes of memory, more than ${limits.memoryBytes}`;
  }
  if (limits.requests !== null && beat.requestsTotal >= limits.requests) {
    return `it has answered ${beat.requestsTotal} requests, at least ${limits.requests}`;
  }
  return null;
}
