// What the primary and the log process say to each other: JSON, a line each on a unix socket but for the first two.

import type { FileOptions } from './outlets.ts';
import type { LogFormat } from './record.ts';

/** To the log process, over its IPC channel: it is not on the command line, where everybody could read the secret. */
export interface WriterOptions {
  socket: string;
  /** Who does not know it is not listened to. */
  secret: string;
  format: LogFormat;
  /** null: standard output. */
  file: FileOptions | null;
  /** The file is a descriptor under another name: its number in the log process. */
  descriptor: number | null;
}

/** Its answer, over the same channel: it takes connections. Why the file could not be opened, or nulls. */
export interface Opened {
  code: string | null;
  message: string | null;
}

/** The first line of every connection. */
export type Hello = { secret: string } & (
  | { role: 'control' }
  | { role: 'stream'; id: number; stream: 'out' | 'err'; slot: number | null; generation: number }
);

/** A line of the primary on the control connection. A spare's slot is told when it takes one. */
export type LogOrder =
  | { id: number; pid: number }
  | { id: number; slot: number }
  | { reopen: true }
  /** The socket's folder is gone: here is another path. */
  | { listen: string }
  /** The inspector of this worker will be opened: its address is wanted, and what Node says of it is not for the log. */
  | { inspect: number };

/** A line of the log process on the control connection. */
export type LogReport =
  /** Nothing can be written, and why. */
  | { trouble: string; code: string | null }
  /** It is written again; so many lines were lost. */
  | { healed: true; lost: number }
  | { unrotated: string }
  | { listens: boolean }
  /** It listens for the address of this worker's inspector. */
  | { awaits: number }
  | { inspector: number; url: string };
