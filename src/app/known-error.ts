// Makes of whatever was thrown an error of the table: part of the composition, used where the last catch is. Runs in the primary and in the CLI.

import { systemRemedies, TuttiError } from '../errors.ts';

/** The system's own where no program could prevent it, a bug otherwise. */
export function asTuttiError(error: unknown): TuttiError {
  if (error instanceof TuttiError) return error;
  if (!(error instanceof Error)) return new TuttiError('ERR_INTERNAL', { problem: String(error) }, { cause: error });
  const { code = '', message, stack = message } = error as NodeJS.ErrnoException;
  if (!(code in systemRemedies)) return new TuttiError('ERR_INTERNAL', { problem: stack }, { cause: error });
  return new TuttiError('ERR_SYSTEM', { code, problem: message.replace(/\.?$/, '.') }, { cause: error });
}
