// What the admin API needs of a running supervisor. supervise.ts passes its handle; nothing here knows how it works inside.
// Runs in the primary.

import type { CommandResult } from '../supervisor/actions.ts';
import type { SupervisorEvent } from '../supervisor/events.ts';
import type { Snapshot } from '../supervisor/snapshot.ts';
import type { Route } from './routes.ts';

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
