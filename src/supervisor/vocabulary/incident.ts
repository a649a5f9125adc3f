// The record of one worker's bad end. Values only.

import type { RequestInFlight } from '../../protocol/messages.ts';

export interface Frame {
  function: string;
  /** A path, or a URL that is not a file. */
  file: string;
  line: number;
  column: number;
}

export type { RequestInFlight };

export interface Incident {
  schema: 1;
  id: string;
  /** Orders the incidents of an app by when each happened last: times may be equal, and clocks can be set. */
  serial: number;
  app: string;
  kind: 'hang' | 'crash' | 'kill' | 'timeout' | 'boot';
  /** When it happened, and when it last happened again in the same way (ISO 8601). */
  at: string;
  lastAt: string;
  count: number;
  summary: string;
  slot: number | null;
  pid: number | null;
  generation: number;
  uptimeMs: number | null;
  exit: { code: number | null; signal: string | null; detail: string } | null;
  /** What the process was doing when it was looked into. Only for a hang. */
  doing: string | null;
  stack: readonly Frame[] | null;
  /** Why there is no stack of a hang. */
  noStack: string | null;
  /** An uncaught error as Node printed it. */
  error: string | null;
  /** Oldest first. */
  requests: readonly RequestInFlight[];
  lastLines: readonly string[];
}
