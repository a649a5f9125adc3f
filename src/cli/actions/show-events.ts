// The work of `tutti events`.

import { createColors } from 'picocolors';
import type { RecordedEvent } from '../../admin/api/event-history.ts';
import { exitCodes } from '../../errors.ts';
import { sentence } from '../../logs/own/sentences.ts';
import { oneLine, ownLines } from '../../logs/own/visible.ts';
import { chooseOne } from '../shared/choose-apps.ts';
import { type Terminal, wantsColor } from '../terminal.ts';

export interface EventsRequest {
  name: string | undefined;
  follow: boolean;
  lines: number;
  json: boolean;
  terminal: Terminal;
}

export async function showEvents({ name, follow, lines, json, terminal }: EventsRequest): Promise<number> {
  const app = await chooseOne(name, terminal, 'events');
  const write = (record: RecordedEvent) =>
    terminal.stdout.write(`${json ? JSON.stringify(record) : readableEvent(record, terminal)}\n`);
  // Opened before the past is read: what happens in between is then in both, and told once.
  const signal = terminal.stdout.gone ?? new AbortController().signal;
  const stream = follow ? await app.client.events({ history: false, signal }) : null;
  const past = await app.client.recentEvents();
  for (const record of lines === 0 ? [] : past.slice(-lines)) write(record);
  if (stream === null) return exitCodes.stopped;
  const told = new Set(past.map(({ id }) => id));
  for await (const record of stream) {
    if (!told.has(record.id)) write(record);
  }
  return exitCodes.stopped;
}

export function readableEvent({ at, event }: RecordedEvent, terminal: Terminal): string {
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  const { level, text, quoted } = sentence(event);
  const paint = { debug: colors.dim, info: same, warn: colors.yellow, error: colors.red }[level];
  const clock = new Date(at);
  const time = `${clock.toLocaleDateString('sv')} ${clock.toLocaleTimeString('sv')}`;
  return [
    `${colors.dim(time)} ${paint(ownLines(text))}`,
    ...quoted.map((line) => colors.dim(`  | ${oneLine(line)}`)),
  ].join('\n');
}

function same(text: string): string {
  return text;
}
