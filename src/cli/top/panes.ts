// The lower part of `tutti top`: what happened, and what the workers write. Pure.

import { stripVTControlCharacters } from 'node:util';
import { sentence } from '../../logs/own/sentences.ts';
import type { Colors } from '../terminal.ts';
import type { TopState } from './state.ts';

/** From here on there is room for both. */
const BOTH_ROWS = 7;

/** At most `room` lines, the newest last. */
export function panes(state: TopState, room: number, colors: Colors): string[] {
  if (state.pane === 'log') {
    if (state.log.length === 0) return [colors.dim('Nothing in the log yet, or it goes to no file: --log-file')];
    return logLines(state, room, colors);
  }
  if (state.log.length === 0 || room < BOTH_ROWS) return eventLines(state, room, colors);
  const log = logLines(state, Math.floor((room - 1) / 2), colors);
  return [...eventLines(state, room - 1 - log.length, colors), colors.dim('log'), ...log];
}

function eventLines({ events }: TopState, room: number, colors: Colors): string[] {
  const lines = events.map(({ at, event }) => {
    const { level, text } = sentence(event);
    const paint = { debug: colors.dim, info: (plain: string) => plain, warn: colors.yellow, error: colors.red }[level];
    return `${colors.dim(clock(at))} ${paint(text)}`;
  });
  return lines.slice(-room);
}

/** What the application writes for a terminal must not move the cursor of this one. */
function logLines({ log }: TopState, room: number, colors: Colors): string[] {
  return log.slice(-room).map(({ time, slot, stream, line }) => {
    const label = slot === null ? '' : `[${slot}${stream === 'err' ? '!' : ''}] `;
    const text = stripVTControlCharacters(line).replaceAll(/\p{Cc}/gu, ' ');
    return `${colors.dim(time === '' ? label : `${clock(time)} ${label}`)}${text}`;
  });
}

function clock(time: string): string {
  return new Date(time).toLocaleTimeString('sv');
}
