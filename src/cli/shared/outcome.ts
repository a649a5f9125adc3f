// What a command came to: its sentence, its exit code, its JSON. Pure.

import { type ExitCode, exitCodes } from '../../errors.ts';
import { time } from '../../logs/own/sentences.ts';
import type { Standing } from '../../supervisor/picture/standing.ts';
import type { CommandResult, Shortfall } from '../../supervisor/vocabulary/actions.ts';

export type CommandOutcome =
  | CommandResult
  /** Nobody waits for it any more; it goes on. */
  | { outcome: 'timed-out'; reason: string }
  /** The supervisor ended or broke off before it had answered. */
  | { outcome: 'lost'; reason: string };

export interface AppOutcome {
  app: string;
  ms: number;
  result: CommandOutcome;
}

export function exitCodeOf({ outcome }: CommandOutcome): ExitCode {
  switch (outcome) {
    case 'done':
      return exitCodes.stopped;
    case 'degraded':
      return exitCodes.degraded;
    case 'timed-out':
      return exitCodes.timedOut;
    case 'refused':
    case 'superseded':
      return exitCodes.refused;
    case 'failed':
    case 'lost':
      return exitCodes.failed;
  }
}

/** The one that tells most: a failure before a degradation before what goes on. */
export function worstExitCode(outcomes: readonly AppOutcome[]): ExitCode {
  const codes = outcomes.map(({ result }) => exitCodeOf(result));
  const order = [exitCodes.failed, exitCodes.refused, exitCodes.degraded, exitCodes.timedOut];
  return order.find((code) => codes.includes(code)) ?? exitCodes.stopped;
}

/** `done` is what to say when it went well: "reloaded". */
export function outcomeLines({ app, ms, result }: AppOutcome, verb: string, done: string): string[] {
  const after = ms >= 100 ? ` in ${time(ms)}` : '';
  const quoted = 'lastLines' in result ? result.lastLines.map(quote) : [];
  switch (result.outcome) {
    case 'done': {
      const generation = result.generation === undefined ? '' : `, generation ${result.generation} serves`;
      return [`${app}: ${done}${after}${generation}${result.detail === undefined ? '' : ` (${result.detail})`}`];
    }
    case 'failed':
      if (result.standing !== undefined) return shortfallLines(`${app}: ${verb}`, result, result.standing);
      return [`${app}: ${verb} failed after ${time(ms)}: ${result.reason}`, ...quoted];
    case 'degraded':
      if (result.standing !== undefined) return shortfallLines(`${app}: ${verb}`, result, result.standing);
      return [`${app}: ${verb} worked in part: ${result.reason}`, ...quoted];
    case 'superseded':
      return [`${app}: ${verb} was superseded: ${result.reason}`];
    case 'refused':
      return [`${app}: ${verb} was refused: ${result.reason}`];
    case 'timed-out':
      return [`${app}: ${verb} goes on: ${result.reason}. To watch it: tutti events ${app} -f`];
    case 'lost':
      return [`${app}: ${verb} has no result: ${result.reason}. To see what came of it: tutti status ${app}`];
  }
}

const mark = '  | ';

function quote(line: string): string {
  return `${mark}${line}`;
}

/** Whether a line of an outcome is the program's own. */
export function isQuoted(line: string): boolean {
  return line.startsWith(mark);
}

/** What an operator needs, in this order: what runs now, why, what to look out for, and the evidence. */
function shortfallLines(
  what: string,
  { reason, frame = [], lastLines }: Shortfall,
  { headline, summary, warning }: Standing,
): string[] {
  return [
    `${what} ${headline}: ${summary}`,
    ...`why: ${reason}`.split('\n').map((line) => `  ${line}`),
    ...frame.map((line) => `    ${line}`),
    ...(warning === null ? [] : [`  careful: ${warning}`]),
    ...lastLines.map(quote),
  ];
}
