// What `tutti top` knows at a moment, and how each message changes it. Pure.

import type { RecordedEvent } from '../../admin/api/event-history.ts';
import type { LiveSample } from '../../admin/api/target.ts';
import type { LogRecord } from '../../logs/workers/record.ts';

/** The parts of a second's measurements that are shown; absent where the supervisor does not measure. */
export interface Measured {
  requestsPerSecond: number;
  errorsPerSecond: number;
  p50Ms: number | null;
  p99Ms: number | null;
}

export interface TopState {
  app: string;
  /** Other apps that Tab leads to. */
  others: number;
  sample: LiveSample | null;
  /** The last second that was measured: pictures in between carry none. */
  measured: Measured | null;
  slots: Readonly<Record<string, { requestsPerSecond?: number }>>;
  events: readonly RecordedEvent[];
  /** The newest lines of the workers; none where they go to no file. */
  log: readonly LogRecord[];
  /** What has the lower part of the screen. */
  pane: 'both' | 'log';
  /** What is wrong with the connection; null: nothing. */
  lost: string | null;
  /** What a command came to, or what it waits for. */
  note: { text: string; tone: 'plain' | 'good' | 'bad' } | null;
  /** A command that waits for a "y". */
  asking: 'reload' | 'stop' | null;
  /** The first worker shown, when they do not all fit. */
  scroll: number;
}

const MAX_EVENTS = 200;
/** More than any terminal is high. */
const MAX_LINES = 300;

export function newState(app: string, others: number): TopState {
  return {
    ...{ app, others, sample: null, measured: null, slots: {}, events: [], log: [], lost: null },
    ...{ pane: 'both' as const, note: null, asking: null, scroll: 0 },
  };
}

export function receive(state: TopState, message: LiveSample | RecordedEvent): TopState {
  if (!('snapshot' in message)) {
    if (state.events.some(({ id }) => id === message.id)) return state;
    return { ...state, lost: null, events: [...state.events, message].slice(-MAX_EVENTS) };
  }
  const next = { ...state, lost: null, sample: message };
  if (message.second === null) return next;
  return { ...next, measured: message.second as Measured, slots: message.slots };
}

export function receiveLines(state: TopState, lines: readonly LogRecord[]): TopState {
  return { ...state, log: [...state.log, ...lines].slice(-MAX_LINES) };
}
