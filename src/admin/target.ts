// What the admin API needs of a running supervisor. supervise.ts passes its handle; nothing here knows how it works inside.
// Runs in the primary.

import type { CommandResult } from '../supervisor/actions.ts';
import type { SupervisorEvent } from '../supervisor/events.ts';
import type { Snapshot } from '../supervisor/snapshot.ts';

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
  /** The text of GET /metrics. */
  metrics?: () => Promise<{ contentType: string; body: string }>;
  /** How fast the workers answer, for GET /v1/latency. */
  latency?: () => readonly WorkerLatency[];
  /** The dashboard's files: answers for paths outside /v1, null for those it does not have. */
  page?: (path: string) => { contentType: string; body: string | Uint8Array; cacheSeconds: number } | null;
  /** Everything else under /v1 that is too special for the fixed table, such as log lines. */
  logLines?: (options: { lines: number; slot: number | null }, write: (line: unknown) => void) => () => void;
}

/** Counters since the worker began: `counts[i]` answers took at most `le[i]` ms and longer than `le[i - 1]`. */
export interface WorkerLatency {
  pid: number;
  slot: number | null;
  le: readonly number[];
  counts: readonly number[];
}
