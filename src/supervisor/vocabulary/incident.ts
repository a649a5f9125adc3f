// What is known of one worker's bad end, as a record.

import type { RequestInFlight } from '../../protocol/messages.ts';

export interface Frame {
  function: string;
  /** A path, or a URL that is no file. */
  file: string;
  line: number;
  column: number;
}

export type { RequestInFlight };

export interface Incident {
  schema: 1;
  id: string;
  /** Of two incidents of an app, the one with the greater number happened last, or again last; times may be the same, and clocks are set. */
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
  /** What the process was doing when it was looked at; only of a hang. */
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
