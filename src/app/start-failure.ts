// What the core's exit code means to whoever started the app: the error with its remedy, and the exit code, which is more exact
// where the last failure tells more. Runs in the primary.

import { exitCodes, TuttiError } from '../errors.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';

export type WorkerExit = Extract<SupervisorEvent, { type: 'worker-exit' }>;

/** As node words a failed listen: `listen EADDRINUSE: address already in use 0.0.0.0:8000`. */
const bindFailure = /listen (EADDRINUSE|EACCES): .*? ([^\s]+:\d+|[/\\]\S+)/;

export function verdictOf(
  code: number,
  reason: string,
  lastFailure: WorkerExit | null,
): { code: number; error: TuttiError | undefined } {
  if (code !== exitCodes.neverReady) return { code, error: undefined };
  const lastLines = lastFailure?.lastLines ?? [];
  const bind = bindFailure.exec([lastFailure?.detail, ...lastLines].join('\n'));
  const where = bind?.[2] ?? '';
  const error =
    bind === null
      ? new TuttiError('ERR_NEVER_READY', { reason, lastLines })
      : bind[1] === 'EADDRINUSE'
        ? new TuttiError('ERR_PORT_IN_USE', { where })
        : new TuttiError('ERR_PORT_FORBIDDEN', { where });
  return { code: error.exitCode, error };
}
