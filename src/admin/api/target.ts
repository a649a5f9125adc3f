// What the admin API needs of a running supervisor, and of the routes that are asked for. app/control/ passes its handle; nothing here knows how it works inside.
// Runs in the primary.

import type { GenericSchema } from 'valibot';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import type { EventHistory } from './event-history.ts';
import type { EventStream } from './event-stream.ts';

export interface AdminTarget {
  readonly name: string;
  snapshot(): Snapshot;
  reload(): Promise<CommandResult>;
  rollback(): Promise<CommandResult>;
  scale(to: number | { by: number }): Promise<CommandResult>;
  recycle(slot?: number): Promise<CommandResult>;
  stop(options?: { fast?: boolean }): Promise<CommandResult>;
  on(type: 'event', listener: (event: SupervisorEvent) => void): unknown;
  off(type: 'event', listener: (event: SupervisorEvent) => void): unknown;
}

/** What other rooms add to the API. Each part is absent where its room has nothing to offer. */
export interface AdminExtras {
  /** Has the workers' last words about themselves read, which else happens once a second. */
  look?: () => void;
  /** GET /metrics; `accept` is the header of the request. */
  metrics?: (accept: string) => Promise<{ contentType: string; body: string }>;
  /** GET /v1/history: rates, percentiles and load of the last minutes. */
  history?: () => object;
  /** Calls back with a new picture of the app about once a second, until the returned function is called. GET /v1/live. */
  samples?: (listener: (sample: LiveSample) => void) => () => void;
  /** The page's files: answers for paths outside /v1, null for those it does not have. */
  page?: (path: string) => { contentType: string; body: string | Uint8Array<ArrayBuffer>; cacheSeconds: number } | null;
  /** Headers of the page's files. */
  pageHeaders?: Readonly<Record<string, string>>;
  /** Routes that other rooms answer. They are described, guarded and limited like those of the table in routes.ts. */
  routes?: readonly Route[];
}

/** A picture of the app, with what was measured since the one before, if something was. */
export interface LiveSample {
  snapshot: Snapshot;
  second: object | null;
  hour: object | null;
  slots: Readonly<Record<string, object>>;
}

export interface RouteContext {
  target: AdminTarget;
  extras: AdminExtras;
  history: EventHistory;
  /** Checked against the route's `body`. */
  body: unknown;
  query: (name: string) => string | undefined;
  header: (name: string) => string | undefined;
  /** Takes the response over; null when too many clients listen already. */
  openStream: (onEnd: () => void) => EventStream | null;
  /** Aborts when nobody waits for the answer any more: the client has left, or the supervisor ends. */
  whileWanted: () => AbortSignal;
}

export type RouteAnswer =
  | { status: number; json: object; headers?: Record<string, string> }
  | { status: number; contentType: string; body: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> }
  /** The response belongs to an EventStream now. */
  | { streaming: true };

export interface Route {
  method: 'get' | 'post';
  path: string;
  /**
   * Who may: anybody who reaches the door · on loopback everybody · on loopback who runs the app, and root · nobody. The holder of the token
   * always. What tells of requests, errors or output is `read`.
   */
  access: 'open' | 'measure' | 'read' | 'control';
  /** Not on TCP, whoever asks: what can start a program of the caller's choice. */
  onlyBySocket?: true;
  summary: string;
  body?: GenericSchema;
  parameters?: readonly { name: string; in: 'query' | 'header'; description: string }[];
  answers: Readonly<Record<number, { description: string; schema?: GenericSchema; contentType?: string }>>;
  handle: (context: RouteContext) => Promise<RouteAnswer> | RouteAnswer;
}
