// What a worker's messages must look like. The primary checks each before it trusts any of it: a worker runs the user's code and add-ons, and
// after an upgrade on disk a preload of another version. Used by src/host/process/channel-guard.ts.

import type {
  AppMetric,
  BeatExtra,
  GcKind,
  Heartbeat,
  HotStack,
  ListenRequest,
  RequestInFlight,
  ToPrimary,
} from './messages.ts';
import type { DyingKind } from './replay.ts';

/** Returns what is wrong with the value at `path`; null: nothing, and it is a `T`. */
interface Check<T> {
  (value: unknown, path: string): string | null;
  readonly type?: T;
}

type Fields<T> = { [K in keyof Required<T>]: Check<T[K]> };
type Kind = ToPrimary['cmd'];
/** The fields of a message except its kind. */
type Content<K extends Kind> = Omit<Extract<ToPrimary, { cmd: K }>, 'cmd'>;

const text = is<string>('a text', (value) => typeof value === 'string');
const flag = is<boolean>('true or false', (value) => typeof value === 'boolean');
const whole = is<number>('a whole number', (value) => Number.isSafeInteger(value));
const number = is<number>('a number', Number.isFinite);
const anything = is<unknown>('anything', () => true);

function is<T>(what: string, holds: (value: unknown) => boolean): Check<T> {
  return (value, path) => (holds(value) ? null : `${path} is not ${what}`);
}

function oneOf<const T extends readonly unknown[]>(...values: T): Check<T[number]> {
  return is(`one of ${values.join(', ')}`, (value) => values.includes(value));
}

function between(least: number, most: number): Check<number> {
  return is(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, path) => (value === null ? null : check(value, path));
}

function maybe<T>(check: Check<T>): Check<T | undefined> {
  return (value, path) => (value === undefined ? null : check(value, path));
}

/** `most`: more items than any worker has a reason to send. */
function list<T>(check: Check<T>, most: number): Check<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) return `${path} is not a list`;
    if (value.length > most) return `${path} has ${value.length} items, more than ${most}`;
    for (const [i, item] of value.entries()) {
      const problem = check(item, `${path}[${i}]`);
      if (problem !== null) return problem;
    }
    return null;
  };
}

function shape<T extends object>(fields: Fields<T>): Check<T> {
  const all = Object.entries(fields) as [string, Check<unknown>][];
  return (value, path) => {
    if (typeof value !== 'object' || value === null) return `${path} is not an object`;
    for (const [name, check] of all) {
      const problem = check((value as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`);
      if (problem !== null) return problem;
    }
    return null;
  };
}

/** The most sockets, requests or lines in one report. */
const MANY = 10_000;
const METRICS = 100_000;

const request = shape<RequestInFlight>({ method: text, path: text, ageMs: number });
const stack = shape<HotStack>({
  share: number,
  frames: list(shape<HotStack['frames'][number]>({ function: text, file: text, line: whole, column: whole }), MANY),
});
const addressType = oneOf(4, 6, -1, 'udp4', 'udp6', null);

/** Whether a port or a backlog makes sense is for the system to judge. */
const listenRequest: Fields<ListenRequest> = {
  address: orNull(text),
  port: orNull(number),
  addressType,
  fd: orNull(between(0, 2 ** 31 - 1)),
  flags: whole,
  backlog: orNull(number),
  index: whole,
  readableAll: maybe(flag),
  writableAll: maybe(flag),
  data: anything,
};

const runs = maybe(shape<{ count: number; ms: number }>({ count: number, ms: number }));

const beat = shape<Heartbeat>({
  rssBytes: number,
  heapUsedBytes: number,
  cpuUserMicros: number,
  cpuSystemMicros: number,
  cpuPercent: number,
  eventLoopUtilization: number,
  eventLoopDelayP99Ms: number,
  connections: number,
  activeRequests: number,
  requestsTotal: number,
  inspected: flag,
  handlesUsr1: flag,
  extra: maybe(
    shape<BeatExtra>({
      status: list(number, 6),
      latencyBuckets: shape<BeatExtra['latencyBuckets']>({ le: list(number, 100), counts: list(number, 101) }),
      latencySumMs: number,
      transfers: maybe(shape<NonNullable<BeatExtra['transfers']>>({ sent: number, adopted: number, refused: number })),
      gc: maybe(
        shape<Partial<Record<GcKind, { count: number; ms: number }>>>({
          minor: runs,
          major: runs,
          incremental: runs,
          weakcb: runs,
        }),
      ),
      heapTotalBytes: maybe(number),
      heapLimitBytes: maybe(number),
      externalBytes: maybe(number),
      failures: maybe(number),
    }),
  ),
});

type Listening = Content<'NODE_TUTTI_LISTENING'>['listeners'][number];

/** One row per kind of message. A missing kind or field does not compile. */
const contents: { [K in Kind]: Fields<Content<K>> } = {
  NODE_TUTTI_HELLO: { protocol: whole, selfTest: text },
  NODE_TUTTI_LISTEN: { seq: whole, ...listenRequest },
  NODE_TUTTI_COPY: { seq: whole, key: text },
  NODE_TUTTI_CLOSE: { key: text },
  NODE_TUTTI_SETTLE: {},
  NODE_TUTTI_PONG: { id: whole },
  NODE_TUTTI_LISTENING: {
    listeners: list(
      shape<Listening>({
        protocol: oneOf('tcp', 'udp', 'unix'),
        address: maybe(text),
        port: maybe(between(0, 65_535)),
        path: maybe(text),
        scheme: maybe(oneOf('http', 'https')),
        keepAliveMs: maybe(number),
      }),
      MANY,
    ),
  },
  NODE_TUTTI_CLOSED: { ending: flag },
  NODE_TUTTI_STARTED: {},
  NODE_TUTTI_READY: {},
  NODE_TUTTI_CLIENTS: { address: orNull(text) },
  NODE_TUTTI_HEARTBEAT: { beat },
  NODE_TUTTI_ALIVE: {},
  NODE_TUTTI_DRAINED: { left: list(text, MANY), lasting: flag },
  NODE_TUTTI_INSPECTED: {
    seq: whole,
    error: maybe(text),
    stacks: maybe(list(stack, MANY)),
    requests: maybe(list(request, MANY)),
  },
  // The content is the application's own. metrics/ leaves out what cannot be used.
  NODE_TUTTI_METRICS_REPLY: {
    seq: orNull(whole),
    metrics: orNull(list(anything as Check<AppMetric>, METRICS)),
    leftOut: maybe(whole),
  },
  NODE_TUTTI_FAILED: { what: text, error: text },
  NODE_TUTTI_SIGNALLED: { signal: oneOf('SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'), handled: flag },
  NODE_TUTTI_LAST_WORDS: {
    error: maybe(text),
    waits: maybe(flag),
    ownSignal: maybe(text),
    stderr: list(text, MANY),
    requests: list(request, MANY),
  },
  NODE_TUTTI_TRANSFER: {
    key: text,
    to: orNull(whole),
    used: flag,
    held: orNull(whole),
    dying: maybe(flag),
    head: maybe(text),
  },
  NODE_TUTTI_DYING: {
    kinds: list(shape<DyingKind>({ kind: text, count: whole, again: flag, answered: flag, culprit: flag }), MANY),
  },
  NODE_TUTTI_ADOPTED: { id: whole, accepted: flag },
};

const checks = new Map(Object.entries(contents).map(([kind, fields]) => [kind, shape(fields as Fields<object>)]));

/** Every kind of message that the primary knows. */
export const kinds: readonly string[] = [...checks.keys()];

/** Why a message whose `cmd` begins with NODE_TUTTI_ cannot be used, or null. */
export function problemOf(message: { cmd: string }): string | null {
  const check = checks.get(message.cmd);
  return check === undefined ? 'it is unknown here' : check(message, '');
}
