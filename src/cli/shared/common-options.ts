// The options that several commands share, checked.

import { resolve } from 'node:path';
import { parseDuration } from '../../config/values.ts';
import { TuttiError } from '../../errors.ts';
import { MOST_WORKERS } from '../../protocol/workers.ts';

type Options = Readonly<Record<string, unknown>>;

export function commonOptions(options: Options): { timeoutMs: number | null; json: boolean } {
  return { timeoutMs: timeoutOption(options), json: options.json === true };
}

function timeoutOption({ timeout }: Options): number | null {
  if (timeout === undefined) return null;
  const ms = parseDuration(String(timeout));
  if (ms === undefined) throw wrong('--timeout', 'must be a duration such as 500ms, 30s or 5m', timeout);
  return ms;
}

/** As typed: a bare name such as `node` is looked for by the system, a path from where it was typed. */
export function nodeOption({ node }: Options, cwd: string): string | null {
  if (typeof node !== 'string') return null;
  return /[\\/]/.test(node) ? resolve(cwd, node) : node;
}

export function slotOption({ slot }: Options): number | null {
  return slot === undefined ? null : wholeNumber('--slot', slot);
}

export function wholeNumber(flag: string, value: unknown): number {
  if (!/^\d{1,9}$/.test(String(value))) throw wrong(flag, 'must be a whole number from 0 on', value);
  return Number(value);
}

/** From a tenth of a second to five minutes. */
export function secondsOption(flag: string, value: unknown): number {
  const seconds = Number(value);
  if (!(seconds >= 0.1 && seconds <= 300)) throw wrong(flag, 'must be a number of seconds from 0.1 to 300', value);
  return seconds;
}

/** `scale web 4`, `scale web +1`, `scale 4`. */
export function scaleTarget(positionals: readonly string[]): {
  app: string | undefined;
  body: { to: number } | { by: number };
} {
  const [first, second] = positionals;
  const [app, count] = second === undefined ? [undefined, first] : [first, second];
  if (count === undefined || !/^[+-]?\d{1,4}$/.test(count)) {
    throw new TuttiError('ERR_USAGE', {
      problem: count === undefined ? 'the number of workers is missing' : `"${count}" is not a number of workers`,
      hint: 'Give a number or a difference, as in: tutti scale web 4, tutti scale web +1',
    });
  }
  const number = Number(count);
  const isDifference = /^[+-]/.test(count);
  if (!isDifference && (number < 1 || number > MOST_WORKERS)) {
    throw new TuttiError('ERR_USAGE', {
      problem: `${count} is not a number of workers: it is from 1 to ${MOST_WORKERS}`,
      hint: 'To end the app: tutti stop',
    });
  }
  return { app, body: isDifference ? { by: number } : { to: number } };
}

function wrong(source: string, rule: string, got: unknown): TuttiError {
  return new TuttiError('ERR_FLAGS_INVALID', { problems: [{ source, message: `${rule}, got "${got}".` }] });
}
