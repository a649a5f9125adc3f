// The shapes that travel over the admin API (schema version 1): what requests are checked against and what the OpenAPI
// document is made of. Runs in the primary, loaded with the first request.

import * as v from 'valibot';
import { MOST_WORKERS, primaryStates, slotStates, workerStates } from '../../protocol/workers.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const nullableText = v.nullable(v.string());

const workers = v.pipe(v.number(), v.integer(), v.maxValue(MOST_WORKERS));

export const nothing = v.strictObject({});
export const scaleBody = v.union(
  [
    v.strictObject({ to: v.pipe(workers, v.minValue(1)) }),
    v.strictObject({ by: v.pipe(workers, v.minValue(-MOST_WORKERS)) }),
  ],
  `Expected {"to": n}, from 1 to ${MOST_WORKERS}, or {"by": n}`,
);
export const recycleBody = v.strictObject({ slot: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))) });
export const stopBody = v.strictObject({ fast: v.optional(v.boolean()) });

/** What runs after a reload that was refused, taken back or broken off. */
const standing = v.strictObject({
  change: v.picklist(['unchanged', 'taken-back', 'in-part']),
  old: count,
  new: count,
  mixed: count,
  wanted: count,
  headline: v.string(),
  summary: v.string(),
  warning: nullableText,
});

export const commandResult = v.strictObject({
  schema: v.literal(1),
  outcome: v.picklist(['done', 'failed', 'degraded', 'superseded', 'refused']),
  detail: v.optional(v.string()),
  reason: v.optional(v.string()),
  lastLines: v.optional(v.array(v.string())),
  generation: v.optional(v.number()),
  frame: v.optional(v.array(v.string())),
  standing: v.optional(standing),
});

export const failure = v.strictObject({
  schema: v.literal(1),
  error: v.strictObject({ code: v.string(), message: v.string() }),
});

const listener = v.strictObject({
  protocol: v.picklist(['tcp', 'udp', 'unix']),
  address: v.optional(v.string()),
  port: v.optional(v.number()),
  path: v.optional(v.string()),
  scheme: v.optional(v.picklist(['http', 'https'])),
  keepAliveMs: v.optional(v.number()),
});

const worker = v.looseObject({
  slot: v.nullable(count),
  pid: v.nullable(count),
  generation: v.number(),
  state: v.picklist([...workerStates, ...slotStates]),
  reason: nullableText,
  uptimeMs: v.number(),
  restarts: count,
  connections: v.number(),
  activeRequests: v.number(),
  requestsTotal: v.number(),
  rssBytes: v.number(),
  pssBytes: v.nullable(v.number()),
  heapUsedBytes: v.number(),
  cpuPercent: v.number(),
  eventLoopUtilization: v.number(),
  eventLoopDelayP99Ms: v.number(),
  lastExit: v.nullable(
    v.strictObject({ code: v.nullable(v.number()), signal: nullableText, reason: v.string(), at: v.string() }),
  ),
});

/** Loose: a later minor version may add keys, never change or remove one. */
export const snapshot = v.looseObject({
  schema: v.literal(1),
  name: v.string(),
  pid: count,
  version: v.string(),
  node: v.string(),
  state: v.picklist(primaryStates),
  generation: v.number(),
  target: count,
  uptimeMs: v.number(),
  stopWithinMs: v.optional(v.number()),
  entry: v.string(),
  config: v.optional(v.nullable(v.strictObject({ file: v.string(), position: count }))),
  listeners: v.array(listener),
  oneClient: v.optional(v.string()),
  circuit: v.picklist(['closed', 'open']),
  reload: v.strictObject({
    state: v.picklist(['idle', 'pinning', 'canary', 'rolling', 'rolling-back']),
    generation: v.number(),
    startedAt: nullableText,
    done: count,
    total: count,
    result: v.nullable(v.picklist(['done', 'failed', 'degraded', 'superseded'])),
    error: nullableText,
    kind: v.optional(v.picklist(['reload', 'rollback'])),
    frame: v.optional(v.array(v.string())),
    standing: v.optional(v.nullable(standing)),
  }),
  workers: v.array(worker),
});

export const recordedEvent = v.strictObject({
  id: v.string(),
  at: v.string(),
  event: v.looseObject({ type: v.string() }),
});

export const recentEvents = v.strictObject({ schema: v.literal(1), missed: count, events: v.array(recordedEvent) });

const point = v.looseObject({ at: v.number(), requestsPerSecond: v.number(), p50Ms: v.nullable(v.number()) });
const points = v.looseObject({ stepMs: v.number(), points: v.array(point) });
export const history = v.looseObject({
  schema: v.literal(1),
  seconds: points,
  hour: points,
  slots: v.record(v.string(), v.looseObject({})),
});

export const health = v.strictObject({ schema: v.literal(1), ok: v.boolean(), reason: v.string() });
