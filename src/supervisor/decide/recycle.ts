// The planned replacement of one worker: for a limit of memory, requests or lifetime, or for a fault. Pure; in the primary.

import type { Model } from '../model.ts';
import type { Policy } from '../vocabulary/policy.ts';
import type { Limits, Worker } from '../workers/worker-state.ts';
import type { Deadlines } from './deadlines.ts';

/** The limits of one worker, each within ±10 %, drawn at its birth. */
export function drawLimits(policy: Policy, random: () => number): Limits {
  const draw = (limit: number | null) => (limit === null ? null : Math.round(limit * (0.9 + 0.2 * random())));
  return {
    memoryBytes: draw(policy.maxMemoryBytes),
    requests: draw(policy.maxRequests),
    lifetimeMs: draw(policy.maxLifetimeMs),
  };
}

/** A worker that meets a limit sooner after it was ready was recycled too quickly. Chosen, not measured. */
const quickMs = 60_000;
/** After this many recycles in a row, each within a minute of readiness, the limit is too low or the leak too fast. */
export const mostQuickRecycles = 3;
/** How long a worker then lives at least, so that the app does something other than recycle. */
const leastLifeMs = 30_000;
/** How often the memory of a worker over its limit is measured at most: the kernel walks all of it. */
const measureEveryMs = 3_000;

/** Why this serving worker should be replaced, or null. */
export function recycleReason(model: Model, worker: Worker, deadlines: Deadlines): string | null {
  const { limits, readyAt } = worker;
  if (readyAt === null) return null;
  if (limits.lifetimeMs !== null && deadlines.due(readyAt + limits.lifetimeMs)) {
    return `it is older than ${limits.lifetimeMs} ms`;
  }
  const reason = urgentReason(worker);
  if (reason === null || model.quickRecycles < mostQuickRecycles) return reason;
  return deadlines.due(readyAt + leastLifeMs) ? reason : null;
}

/** Whether its resident size, as of the last heartbeat, calls for a closer measurement. There is one per heartbeat at most. */
export function wantsMeasuring({ limits, beat, beatAt, memory }: Worker, deadlines: Deadlines): boolean {
  if (limits.memoryBytes === null || beat === null || beat.rssBytes <= limits.memoryBytes) return false;
  if (memory === null) return true;
  return beatAt > memory.askedAt && deadlines.due(memory.askedAt + measureEveryMs);
}

/** Why it has to leave, however young it is. */
function urgentReason(worker: Worker): string | null {
  return worker.fault ?? memoryReason(worker) ?? requestsReason(worker);
}

/** Whether a limit, and not an operator, ended it soon after it was ready. */
export function isQuickRecycle(worker: Worker, now: number): boolean {
  const { readyAt } = worker;
  return urgentReason(worker) !== null && readyAt !== null && now < readyAt + quickMs;
}

function memoryReason({ limits, beat, memory }: Worker): string | null {
  if (limits.memoryBytes === null || beat === null || beat.rssBytes <= limits.memoryBytes) return null;
  if (memory === null || !memory.isKnown) return null;
  const bytes = memory.pssBytes ?? beat.rssBytes;
  return bytes > limits.memoryBytes
    ? `it uses ${megabytes(bytes)} of memory, more than ${megabytes(limits.memoryBytes)}`
    : null;
}

function requestsReason({ limits, beat }: Worker): string | null {
  if (limits.requests === null || beat === null || beat.requestsTotal < limits.requests) return null;
  return `it has answered ${beat.requestsTotal} requests, at least ${limits.requests}`;
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
