// Reads what TUTTI_TRACE has written, and takes a core of this source through it again: the same inputs at the same times, with the same
// answers of the host. Pure, but for the text that it is given.

import type { TraceHead, TraceLine } from '../src/app/core/trace.ts';
import type { Host } from '../src/supervisor/host.ts';
import { Supervisor } from '../src/supervisor/supervisor.ts';
import type { Action } from '../src/supervisor/vocabulary/actions.ts';

export interface TracedRun {
  head: TraceHead;
  lines: TraceLine[];
}

/** What the core was told, and what it asked for then. `now` in ms of the host's clock. */
export interface Turn {
  now: number;
  input: TraceLine['input'];
  actions: Action[];
}

/** The runs of a file, oldest first. Throws an Error that names the line if it is no trace. A last line that is cut off is passed over. */
export function readTrace(text: string): TracedRun[] {
  const runs: TracedRun[] = [];
  const open = new Map<string, TracedRun>();
  const lines = text.split('\n');
  // What stands after the last line end was not written whole.
  lines.pop();
  for (const [index, line] of lines.entries()) {
    const where = `line ${index + 1}`;
    const value = parsed(line, where);
    if ('dropped' in value)
      throw new Error(`${where}: ${value.dropped} inputs are missing here, because they could not be written in time`);
    if ('trace' in value) {
      if (value.trace !== 1) throw new Error(`${where}: a trace of form ${value.trace}, and this tutti knows form 1`);
      const run = { head: value, lines: [] };
      runs.push(run);
      open.set(value.run, run);
      continue;
    }
    const run = open.get(value.run);
    if (run === undefined) throw new Error(`${where}: an input of ${value.run}, whose first line is missing`);
    run.lines.push(value);
  }
  if (runs.length === 0) throw new Error('there is no run in it');
  return runs;
}

/** Takes a new core through a run. Throws what the core throws; `heard` has all turns up to then. */
export function replayRun({ head, lines }: TracedRun, heard: (turn: Turn) => void): void {
  let line: TraceLine = { run: head.run, now: head.startedAt, input: null };
  let turn: Turn = { now: head.startedAt, input: null, actions: [] };
  const host: Host = {
    now: () => line.now,
    // A core that has changed since may ask more often.
    random: () => line.random?.shift() ?? 0.5,
    memoryRoom: () => line.room?.shift() ?? null,
    perform: (action) => turn.actions.push(action),
  };
  const core = new Supervisor(head.options, host);
  for (const next of lines) {
    line = structuredClone(next);
    turn = { now: line.now, input: line.input, actions: [] };
    try {
      if (line.input === null) core.start();
      else core.dispatch(line.input);
    } finally {
      heard(turn);
    }
  }
}

type Dropped = { dropped: number };

function parsed(line: string, where: string): TraceHead | TraceLine | Dropped {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`${where}: not JSON`);
  }
  const has = (...keys: string[]): boolean =>
    typeof value === 'object' && value !== null && keys.every((key) => key in value);
  if (has('trace', 'run', 'startedAt', 'options')) return value as TraceHead;
  if (has('run', 'now', 'input')) return value as TraceLine;
  if (has('dropped')) return value as Dropped;
  throw new Error(`${where}: neither the head of a run nor an input`);
}
