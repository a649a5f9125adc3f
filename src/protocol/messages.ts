// Every message between the primary and a worker. They travel on Node's IPC channel with a `cmd` that begins with
// NODE_TUTTI_: Node delivers those as 'internalMessage', so the application's own process.on('message') never sees them.
// A raw handle (a listening socket or a connection) may ride along.

import type { Balance, Transfer } from './balance.ts';
import type { OrphanOrders } from './orphans/orders.ts';
import type { DyingKind, Replay } from './replay.ts';

/**
 * Both sides say it first, because tutti may be replaced on disk while a primary runs, and its new workers then load another preload. Raise
 * it with every change in this room that the other side would misread.
 */
export const PROTOCOL = 1;

/** What a worker is told at its birth: JSON in the environment variable TUTTI_BOOT, which the preload removes. */
export interface BootInfo {
  protocol: number;
  worker: number;
  slot: number | null;
  generation: number;
  balance: Balance;
  transfer: Transfer;
  /** Whether requests of a dying worker run again elsewhere; `except`: as `GET`, `/path` with what is below it, or `GET:/path`. */
  replay: { mode: Replay; except: readonly string[] };
  /** How long servers keep idle connections that say nothing of it; null: as Node does. */
  keepAliveMs: number | null;
  ready: 'listening' | 'message' | 'started';
  /** True: listen, but accept nothing before ADMIT (spares, probed workers, workers that tell when they are ready). */
  gated: boolean;
  /** The application's own execArgv; what tutti added is taken out of process.execArgv again. */
  execArgv: string[];
  /** The user that it must be, and cannot change; null: that of the primary. */
  account: { uid: number; gid: number } | null;
  /** Output goes to the primary or the log process, which may die while the worker lives. */
  logged: boolean;
  heartbeatMs: number;
  /** Somebody asks for the application's own metrics, so the worker sends its last ones. */
  metricsAsked: boolean;
  compileCache: boolean;
  scoreboard: { path: string; cell: number } | null;
  /** Why the primary cannot share sockets its own way, so that node:cluster has to; null if it can. */
  selfTest: string | null;
  end: WorkerEnd;
  /** The variable with the slot. A spare learns its slot late. */
  instanceVar: string;
  /** A variable whose number grows by one from slot to slot, and its number in slot 0. */
  increment: { name: string; first: number } | null;
  /** What it does when its primary has died; null: it finishes what it has, and leaves. */
  orphan: OrphanOrders | null;
}

/** How a worker ends: what tells the application to clean up, and how long the steps may take if the primary is dead. */
export interface WorkerEnd {
  stopSignal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGUSR2';
  /** The message 'shutdown' instead of the signal, if the application listens to messages. */
  shutdownMessage: boolean;
  drainTimeoutMs: number;
  stopTimeoutMs: number;
}

export const BOOT_VARIABLE = 'TUTTI_BOOT';

/** One bind as the application asked for it, after Node normalised the argument forms. */
export interface ListenRequest {
  address: string | null;
  port: number | null;
  /** 4, 6, -1 (unix path) for net; 'udp4' or 'udp6' for dgram. */
  addressType: 4 | 6 | -1 | 'udp4' | 'udp6' | null;
  fd: number | null;
  flags: number;
  backlog: number | null;
  /** Counts the listens on port 0 of one worker, so that the n-th of every worker shares a socket. */
  index: number;
  /** Permissions of a unix socket, as `listen({path, readableAll, writableAll})` asks for them. */
  readableAll?: boolean;
  writableAll?: boolean;
  /** What a TLS server shares with its siblings (session ticket keys); the first worker's is kept and given to all. */
  data?: unknown;
}

/** How a socket is bound, as `getsockname` fills it in. */
export interface SocketName {
  address?: string;
  family?: string;
  port?: number;
}

/** `path`: where to write; the file must not exist yet. */
export type InspectRequest =
  | { type: 'profile'; ms: number; path: string }
  | { type: 'stack'; ms: number }
  | { type: 'heap'; path: string };

export interface HotStack {
  /** The share of the watched time, 0 to 1. */
  share: number;
  /** Innermost first. */
  frames: { function: string; file: string; line: number; column: number }[];
}

export interface RequestInFlight {
  method: string;
  /** Without the query, which may hold secrets. */
  path: string;
  ageMs: number;
}

export type ToWorker = DataToWorker | LifeToWorker;

/** About the worker's life. */
export type LifeToWorker =
  | { cmd: 'NODE_TUTTI_ADMIT'; slot: number }
  /** With a connected handle: hand it to the first HTTP(S) server as if it had been accepted. It counts nowhere. */
  | { cmd: 'NODE_TUTTI_PROBE' }
  /** `stop`: the whole app ends. A second one can only shorten the drain or add `stop`. */
  | { cmd: 'NODE_TUTTI_DRAIN'; timeoutMs: number; stop: boolean }
  | { cmd: 'NODE_TUTTI_TERMINATE' }
  /** Answered by INSPECTED. */
  | { cmd: 'NODE_TUTTI_INSPECT'; seq: number; request: InspectRequest }
  /** Answered by METRICS_REPLY. */
  | { cmd: 'NODE_TUTTI_METRICS'; seq: number }
  /** The answer to SIGNALLED: the signal was meant for this worker alone, so the application gets it after all. */
  | { cmd: 'NODE_TUTTI_SIGNAL'; signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT' };

/** About its sockets and connections. */
export type DataToWorker =
  /**
   * The answer to LISTEN and COPY, with the handle unless errno is set or the primary itself accepts (`dispatched`). `key` names the socket
   * in later messages; `address` and `addressType` are what was bound if none was asked for.
   */
  | {
      cmd: 'NODE_TUTTI_LISTEN_REPLY';
      seq: number;
      errno: number;
      key: string;
      dispatched: boolean;
      address: string | null;
      addressType: 4 | 6 | -1 | 'udp4' | 'udp6' | null;
      name: SocketName | null;
      /** The port that was bound, or could not be, if it is not the one in `name` or in the request: with `ports`, that of the slot. */
      slotPort?: number;
      data?: unknown;
      /** With EADDRINUSE: a sibling listens on that port. */
      own?: boolean;
    }
  /** Stop accepting from the socket `key`, because others do. The server goes on listening. */
  | { cmd: 'NODE_TUTTI_REST'; key: string }
  /** With a handle: accept again. */
  | { cmd: 'NODE_TUTTI_ACCEPT'; key: string }
  /**
   * Who else accepts from the socket `key`. `alone`: nobody, so this worker goes on while it drains, and its connections do not move.
   * `shared`: another worker does again. `closing`: the port closes. With `take`, this worker first empties the kernel's queue; then it
   * closes its copy.
   */
  | { cmd: 'NODE_TUTTI_PORT'; key: string; state: 'alone' | 'shared' | 'closing'; take: boolean }
  | { cmd: 'NODE_TUTTI_SETTLED' }
  /** Answered by PONG at once. What was sent before, and is not answered by then, did not arrive. */
  | { cmd: 'NODE_TUTTI_PING'; id: number }
  /**
   * With a connected handle: a connection that was accepted elsewhere. Answered by ADOPTED. `used`: requests were served on it before.
   * `head`: of a request that came on it and runs here again.
   */
  | { cmd: 'NODE_TUTTI_ADOPT'; id: number; key: string; used: boolean; mode: AdoptMode; head?: string };

/**
 * Whether a worker may refuse a connection that it is sent. `offer`: it may, if it is full or does not accept. This is also how one of its own
 * comes back that could have stayed, because its place may be taken by now. `must`: only if it does not accept, because the others are full
 * too. `return`: it may not, even while it drains, because nobody else can serve it; mostly the connection is its own.
 */
export type AdoptMode = 'offer' | 'must' | 'return';

/** One metric of the application as prom-client's getMetricsAsJSON() gives it. */
export interface AppMetric {
  name: string;
  help: string;
  type: string;
  aggregator?: string;
  values: { value: number; labels: Record<string, string | number>; metricName?: string }[];
}

/** checks.ts has a row for each. */
export type ToPrimary = DataToPrimary | LifeToPrimary;

/** About the worker's life. */
export type LifeToPrimary =
  | { cmd: 'NODE_TUTTI_HELLO'; protocol: number; selfTest: 'ok' | string }
  | {
      cmd: 'NODE_TUTTI_LISTENING';
      listeners: {
        protocol: 'tcp' | 'udp' | 'unix';
        address?: string;
        port?: number;
        path?: string;
        scheme?: 'http' | 'https';
        keepAliveMs?: number;
      }[];
    }
  /** `ending`: the application has a reason to end (an uncaught error, a signal to itself), so it will not listen again. */
  | { cmd: 'NODE_TUTTI_CLOSED'; ending: boolean }
  | { cmd: 'NODE_TUTTI_STARTED' }
  | { cmd: 'NODE_TUTTI_READY' }
  /** With `ip-hash`: its first ONE_CLIENT_AFTER connections all came from this address. Null: it has met two. Each at most once. */
  | { cmd: 'NODE_TUTTI_CLIENTS'; address: string | null }
  | { cmd: 'NODE_TUTTI_HEARTBEAT'; beat: Heartbeat }
  /** In place of a heartbeat, from a worker that has nothing new to say. */
  | { cmd: 'NODE_TUTTI_ALIVE' }
  /** `lasting`: everything that is left lasts for as long as its client likes. */
  | { cmd: 'NODE_TUTTI_DRAINED'; left: string[]; lasting: boolean }
  /** The file is written, or the stacks are here. With `error`, neither. */
  | {
      cmd: 'NODE_TUTTI_INSPECTED';
      seq: number;
      error?: string;
      stacks?: HotStack[];
      requests?: RequestInFlight[];
    }
  /** The application's own metrics: the answer to METRICS or, with `seq` null, the last ones. `metrics` null: it has none. */
  | {
      cmd: 'NODE_TUTTI_METRICS_REPLY';
      seq: number | null;
      /** Bounded, and their values as app-metric.ts sends them. */
      metrics: AppMetric[] | null;
      /** How many values there was no room for. */
      leftOut?: number;
    }
  /** Something of tutti's own failed in this worker and was swallowed. Sent once for each kind. `what`: what could not be done. */
  | { cmd: 'NODE_TUTTI_FAILED'; what: string; error: string }
  /** TERM, INT, HUP or QUIT arrived and was kept from the application. `handled`: it listens to that signal. */
  | { cmd: 'NODE_TUTTI_SIGNALLED'; signal: string; handled: boolean }
  | {
      cmd: 'NODE_TUTTI_LAST_WORDS';
      error?: string;
      /** It waits a moment before it dies of the error, and may be killed then; see worker/report/same-failure.ts. */
      waits?: boolean;
      /** The application is sending itself this signal, and does not listen to it. */
      ownSignal?: string;
      stderr: string[];
      requests: RequestInFlight[];
    };

/** About its sockets and connections. */
export type DataToPrimary =
  | ({ cmd: 'NODE_TUTTI_LISTEN'; seq: number } & ListenRequest)
  /** Another copy of a socket that this worker has asked for before. */
  | { cmd: 'NODE_TUTTI_COPY'; seq: number; key: string }
  | { cmd: 'NODE_TUTTI_CLOSE'; key: string }
  /** Answered by SETTLED when every connection that this worker has sent is with a sibling, or has come back before the answer. */
  | { cmd: 'NODE_TUTTI_SETTLE' }
  | { cmd: 'NODE_TUTTI_PONG'; id: number }
  /**
   * With a connected handle: give it to the worker in cell `to`, or, if that is null or cannot have it, to the one with the fewest
   * connections. `held`: how many the sender has left; it gets the connection back if nobody has fewer. Null: it must leave. `dying`: the
   * sender ends in this turn of its loop and can take nothing, not even this back.
   */
  | {
      cmd: 'NODE_TUTTI_TRANSFER';
      key: string;
      to: number | null;
      used: boolean;
      held: number | null;
      dying?: boolean;
      /** Of the one request that has been read from it and not answered: it may run again. One character is one byte. */
      head?: string;
    }
  /** What a dying worker was serving. Sent before its connections. */
  | { cmd: 'NODE_TUTTI_DYING'; kinds: readonly DyingKind[] }
  | { cmd: 'NODE_TUTTI_ADOPTED'; id: number; accepted: boolean };

/** What a worker's main loop says of itself, once a second. Counters grow for as long as the process lives. */
export interface Heartbeat {
  rssBytes: number;
  heapUsedBytes: number;
  cpuUserMicros: number;
  cpuSystemMicros: number;
  /** Of one core, by all threads of the process: 200 is two cores. As the next two, of the time since the heartbeat before. */
  cpuPercent: number;
  eventLoopUtilization: number;
  eventLoopDelayP99Ms: number;
  connections: number;
  activeRequests: number;
  requestsTotal: number;
  /** An inspector is attached: a debugger may hold the loop. */
  inspected: boolean;
  /** The application listens to SIGUSR1, which otherwise opens an inspector. */
  handlesUsr1: boolean;
  extra?: BeatExtra;
}

/** Of a worker's HTTP requests. */
export type RequestCounts = Pick<BeatExtra, 'status' | 'latencyBuckets' | 'latencySumMs'>;

/** Counters that the core does not look at: metrics and the page do. All of them start at 0 with the process and only grow. */
export interface BeatExtra {
  /** Answers by class: index 1 for 1xx … 5 for 5xx. Index 0: the client left before an answer was complete. */
  status: number[];
  /** `counts[i]`: answers that took at most `le[i]` ms and longer than `le[i - 1]`; one more entry for the slower ones. */
  latencyBuckets: { le: readonly number[]; counts: number[] };
  latencySumMs: number;
  /** Connections passed on to a sibling, taken over from one, and those nobody could take. */
  transfers?: { sent: number; adopted: number; refused: number };
  /** Garbage collections by kind. */
  gc?: Partial<Record<GcKind, { count: number; ms: number }>>;
  /** Of something of tutti's own in the worker, which the application did not notice. */
  failures?: number;
  /** Gauges. */
  heapTotalBytes?: number;
  heapLimitBytes?: number;
  externalBytes?: number;
}

/**
 * Upper bounds, in ms, of the workers' latency histogram; one more bucket takes what is slower. Steps of a third or less, so that a
 * percentile read from it is off by a few per cent; the metrics publish a coarser one, whose bounds are among these.
 */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.5, 1, 1.5, 2, 3, 4, 5, 7, 10, 13, 17, 20, 25, 32, 40, 50, 65, 80, 100, 130, 160, 200, 250, 320, 400, 500, 650, 800,
  1000, 1300, 1600, 2000, 2500, 3200, 4000, 5000, 6500, 8000, 10000, 15000, 20000, 30000,
];

export type GcKind = 'minor' | 'major' | 'incremental' | 'weakcb';
