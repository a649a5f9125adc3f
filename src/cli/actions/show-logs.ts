// The work of `tutti logs`. Reads the log file itself, so that it works for an app that has ended too.

import { createColors } from 'picocolors';
import { exitCodes, TuttiError } from '../../errors.ts';
import { appPaths } from '../../files/state-folder.ts';
import { oneLine } from '../../logs/own/visible.ts';
import { follow, lastRecords } from '../../logs/workers/read-log.ts';
import type { LogRecord } from '../../logs/workers/record.ts';
import { chooseOne, knownApps } from '../shared/choose-apps.ts';
import { type Terminal, wantsColor } from '../terminal.ts';

export interface LogsRequest {
  name: string | undefined;
  follow: boolean;
  slot: number | null;
  lines: number;
  json: boolean;
  terminal: Terminal;
}

export async function showLogs(request: LogsRequest): Promise<number> {
  const { slot, lines, json, terminal } = request;
  const file = await logFileOf(request.name, terminal);
  const where = slot === null ? {} : { slot };
  const print = printer(json, terminal);
  const { records, position } = await lastRecords(file, lines, where);
  for (const record of records) print(record);
  if (records.length === 0 && lines > 0 && !json) {
    terminal.stderr.write(`No line${slot === null ? '' : ` of slot ${slot}`} in ${file}.\n`);
  }
  if (!request.follow) return exitCodes.stopped;
  for await (const record of follow(file, position, where)) print(record);
  return exitCodes.stopped;
}

/** A running app says where it writes; where one that has ended wrote is in its record. */
async function logFileOf(name: string | undefined, terminal: Terminal): Promise<string> {
  const { running, stopped } = await knownApps(terminal);
  const ended = running.length === 0 && stopped.length === 1 && name === undefined ? stopped[0]?.name : name;
  const record = stopped.find((one) => one.name === ended);
  if (record !== undefined) return record.logFile ?? appPaths(terminal.env, record.name).log;
  const app = await chooseOne(name, terminal, 'logs');
  const place = await app.client.log();
  if (place === null) throw new TuttiError('ERR_NO_LOG', { name: app.name });
  return place.file;
}

const palette = ['cyan', 'green', 'magenta', 'blue', 'yellow'] as const;

function printer(json: boolean, terminal: Terminal): (record: LogRecord) => void {
  if (json) return (record) => void terminal.stdout.write(`${JSON.stringify(record)}\n`);
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  const shown = terminal.stdout.isTTY === true ? oneLine : same;
  return ({ time, slot, stream, line }) => {
    const paint = slot === null ? colors.dim : colors[palette[slot % palette.length] ?? 'cyan'];
    const label = stream === 'tutti' ? 'tutti' : slot === null ? '' : `${slot}${stream === 'err' ? '!' : ''}`;
    const clock = time === '' ? '' : `${colors.dim(new Date(time).toLocaleTimeString('sv'))} `;
    terminal.stdout.write(`${clock}${label === '' ? '' : paint(`[${label}] `)}${shown(line)}\n`);
  };
}

/** A file or a program gets what was written. */
function same(line: string): string {
  return line;
}
