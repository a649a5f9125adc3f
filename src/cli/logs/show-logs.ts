// The work of `tutti logs`. Reads the log files itself, so that it works for an app that has ended too.

import { createColors } from 'picocolors';
import { exitCodes, TuttiError } from '../../errors.ts';
import { oneLine } from '../../logs/own/visible.ts';
import { follow, lastRecords, type Where } from '../../logs/workers/read-log.ts';
import type { LogRecord } from '../../logs/workers/record.ts';
import { type Terminal, wantsColor } from '../terminal.ts';
import { type LogFile, logFilesOf } from './log-files.ts';

export interface LogsRequest {
  names: readonly string[];
  follow: boolean;
  slot: number | null;
  stream: 'out' | 'err' | null;
  /** A regular expression. */
  grep: string | null;
  lines: number;
  /** Nothing but the lines. */
  raw: boolean;
  json: boolean;
  terminal: Terminal;
}

interface Line extends LogRecord {
  app: string;
}

export async function showLogs(request: LogsRequest): Promise<number> {
  const { lines, json, terminal } = request;
  const where = whereOf(request);
  const files = await logFilesOf(request.names, 'logs', terminal, { several: true });
  const print = printer(request, files.length > 1);
  const pasts = await Promise.all(
    files.map(async (one) => ({ ...one, ...(await lastRecords(one.file, lines, where)) })),
  );
  const past = inOrder(pasts).slice(-lines);
  for (const line of past) print(line);
  if (past.length === 0 && lines > 0 && !json) terminal.stderr.write(`${nothingIn(files, request)}\n`);
  if (request.follow) {
    await Promise.all(
      pasts.map(async ({ app, file, position }) => {
        for await (const record of follow(file, position, where, terminal.stdout.gone)) print({ app, ...record });
      }),
    );
  }
  return exitCodes.stopped;
}

function whereOf({ slot, stream, grep }: LogsRequest): Where {
  return {
    ...(slot !== null && { slot }),
    ...(stream !== null && { stream }),
    ...(grep !== null && { pattern: patternOf(grep) }),
  };
}

/** As others do it, a pattern without a capital finds both. */
function patternOf(text: string): RegExp {
  try {
    return new RegExp(text, /[A-Z]/.test(text) ? '' : 'i');
  } catch {
    const message = `must be a regular expression, got "${text}".`;
    throw new TuttiError('ERR_FLAGS_INVALID', { problems: [{ source: '--grep', message }] });
  }
}

/** By time; a line without one stays behind the line before it. */
function inOrder(pasts: readonly { app: string; records: readonly LogRecord[] }[]): Line[] {
  const timed = pasts.flatMap(({ app, records }) => {
    let last = '';
    return records.map((record) => {
      last = record.time === '' ? last : record.time;
      return { at: last, line: { app, ...record } };
    });
  });
  return timed.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).map(({ line }) => line);
}

function nothingIn(files: readonly LogFile[], { slot, stream, grep }: LogsRequest): string {
  const of = slot === null ? '' : ` of slot ${slot}`;
  const on = stream === null ? '' : ` on std${stream}`;
  const such = grep === null ? '' : ` with "${grep}"`;
  return `No line${of}${on}${such} in ${files.map(({ file }) => file).join(', ')}.`;
}

const palette = ['cyan', 'green', 'magenta', 'blue', 'yellow'] as const;

function printer({ json, raw, terminal }: LogsRequest, several: boolean): (line: Line) => void {
  if (json) return (line) => void terminal.stdout.write(`${JSON.stringify(line)}\n`);
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  const shown = terminal.stdout.isTTY === true ? oneLine : same;
  if (raw) return ({ line }) => void terminal.stdout.write(`${shown(line)}\n`);
  return ({ app, time, slot, stream, line }) => {
    const paint = slot === null ? colors.dim : colors[palette[slot % palette.length] ?? 'cyan'];
    const who = stream === 'tutti' ? 'tutti' : slot === null ? '' : `${slot}${stream === 'err' ? '!' : ''}`;
    const label = [...(several ? [app] : []), ...(who === '' ? [] : [who])].join(' ');
    const clock = time === '' ? '' : `${colors.dim(new Date(time).toLocaleTimeString('sv'))} `;
    terminal.stdout.write(`${clock}${label === '' ? '' : paint(`[${label}] `)}${shown(line)}\n`);
  };
}

/** A file or a program gets what was written. */
function same(line: string): string {
  return line;
}
