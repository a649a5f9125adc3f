// Planned replacement of one worker by a limit – memory, requests or lifetime – or for a fault. Pure; in the primary.

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

const quickMs = 60_000;
/** So many recycles in a row, each of a worker that was at its limit within a minute, are no accident. */
export const mostQuickRecycles = 3;
/** What a worker is then given at least, so that recycling does not become all that the app does. */
const leastLifeMs = 30_000;
/** The memory of a worker whose resident size is over the limit is measured at most so often: the kernel walks all of it. */
const measureEveryMs = 3_000;

/** Why this serving worker is to be replaced, or null. */
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

/** Whether its resident size, which the heartbeat tells, asks for a closer look. A new heartbeat brings the next one. */
export function wantsMeasuring({ limits, beat, beatAt, memory }: Worker, deadlines: Deadlines): boolean {
  if (limits.memoryBytes === null || beat === null || beat.rssBytes <= limits.memoryBytes) return false;
  if (memory === null) return true;
  return beatAt > memory.askedAt && deadlines.due(memory.askedAt + measureEveryMs);
}

/** Why it has to go however young it is. */
function urgentReason(worker: Worker): string | null {
  return worker.fault ?? memoryReason(worker) ?? requestsReason(worker);
}

/** True for one that a limit ended soon after it was ready; who was told to go by an operator is not meant. */
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
