// How a failed command tells it: what could not be done, and what to do about it.

import { createColors } from 'picocolors';
import type { AdminClientError } from '../admin/client/client.ts';
import { asTuttiError } from '../app/known-error.ts';
import { messageOf, TuttiError } from '../errors.ts';
import { ownLines } from '../logs/own/visible.ts';
import { splitArguments, type Terminal, wantsColor } from './terminal.ts';

/** Writes the error to stderr and answers the exit code. */
export function tellFailure(error: unknown, terminal: Terminal): number {
  const { code, message, remedy, exitCode, details } = asAnswer(error) ?? asTuttiError(error);
  if (wantsJson(terminal)) {
    terminal.stderr.write(`${JSON.stringify({ error: { code, message, remedy, exitCode, details } })}\n`);
    return exitCode;
  }
  const colors = createColors(wantsColor(terminal, terminal.stderr));
  terminal.stderr.write(`${colors.red('tutti:')} ${ownLines(message)}\n  ${colors.bold(ownLines(remedy))} (${code})\n`);
  return exitCode;
}

/** Writes to stderr what is odd and stops nothing. With --json each line there is JSON. */
export function tellAside(warning: string, terminal: Terminal): void {
  terminal.stderr.write(`${wantsJson(terminal) ? JSON.stringify({ warning }) : warning}\n`);
}

/** Does what writes `path`, and says what the system says against it as a TuttiError. */
export function writing<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new TuttiError('ERR_NOT_WRITTEN', { path, reason: messageOf(error) }, { cause: error });
  }
}

function wantsJson({ argv }: Terminal): boolean {
  return splitArguments(argv).own.includes('--json');
}

/** What an app's supervisor said or failed to say. Known by its name: most commands that fail never loaded the client. */
function asAnswer(error: unknown): TuttiError | null {
  if (!(error instanceof Error) || error.name !== 'AdminClientError') return null;
  const { kind, message } = error as AdminClientError;
  return kind === 'refused'
    ? new TuttiError('ERR_REFUSED', { reason: message }, { cause: error })
    : new TuttiError('ERR_NO_ANSWER', { reason: message }, { cause: error });
}
