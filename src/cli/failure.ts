// How a failed command tells it: what could not be done, and what to do about it.

import { createColors } from 'picocolors';
import { asTuttiError } from '../known-error.ts';
import { splitArguments, type Terminal, wantsColor } from './terminal.ts';

/** Writes the error to stderr and answers the exit code. */
export function tellFailure(error: unknown, terminal: Terminal): number {
  const { code, message, remedy, exitCode, details } = asTuttiError(error);
  if (splitArguments(terminal.argv).own.includes('--json')) {
    terminal.stderr.write(`${JSON.stringify({ error: { code, message, remedy, exitCode, details } })}\n`);
    return exitCode;
  }
  const colors = createColors(wantsColor(terminal, terminal.stderr));
  terminal.stderr.write(`${colors.red('tutti:')} ${message}\n  ${colors.bold(remedy)} (${code})\n`);
  return exitCode;
}
