// The picture that `tutti top` shows, as lines for a terminal of any size. What matters most is nearest to the top and to the
// left, because a small terminal cuts the rest. Pure.

import { place, url } from '../../logs/own/sentences.ts';
import type { WorkerSnapshot } from '../../supervisor/picture/snapshot.ts';
import { paintState } from '../shared/progress.ts';
import { age, amount, bytes, milliseconds, percent } from '../shared/readable.ts';
import { shortfallOf } from '../shared/shortfall.ts';
import { clip, table, width } from '../shared/table.ts';
import type { Colors } from '../terminal.ts';
import { panes } from './panes.ts';
import type { Size } from './screen.ts';
import type { TopState } from './state.ts';

/** Below this the events are left out, so that the workers have the room. */
const LEAST_EVENT_ROWS = 3;

export function view(state: TopState, { columns, rows }: Size, colors: Colors): string[] {
  const head = [title(state, colors), load(state, colors), status(state, colors)];
  const foot = footer(state, colors);
  const room = rows - head.length - 1;
  const fit = (lines: readonly string[]) => lines.map((line) => clip(line, columns));
  if (room < 2) return fit([...head.slice(0, Math.max(1, rows - 1)), ...(rows > 1 ? [foot] : [])]);
  const workers = state.sample === null ? [] : workerLines(state, columns, colors);
  const [columnTitles = '', ...all] = workers;
  const eventRoom = Math.max(0, room - workers.length - 1);
  const withEvents = eventRoom >= LEAST_EVENT_ROWS;
  const workerRoom = withEvents ? all.length : room - 1;
  const first = Math.min(state.scroll, Math.max(0, all.length - workerRoom));
  const shown = all.slice(first, first + workerRoom);
  const hidden = all.length - shown.length;
  const label = hidden > 0 ? `${columnTitles}  ${colors.dim(`${hidden} more: ↑ ↓`)}` : columnTitles;
  const events = withEvents ? panes(state, eventRoom, colors) : [];
  const body = [label, ...shown, ...(withEvents ? ['', ...events] : [])];
  return fit([...head, ...pad(body, room), foot]);
}

function title({ app, sample, lost }: TopState, colors: Colors): string {
  if (sample === null || lost !== null) return `${colors.bold(app)} ${lost === null ? '…' : colors.red(lost)}`;
  const { snapshot } = sample;
  const serves = snapshot.listeners.map((one) => url(one) ?? place(one)).join(' ');
  const paint = snapshot.state === 'running' ? colors.green : colors.yellow;
  const facts = [`generation ${snapshot.generation}`, `up ${age(snapshot.uptimeMs)}`, serves].filter(
    (text) => text !== '',
  );
  return `${colors.bold(app)} ${paint(snapshot.state)}${colors.dim(` · ${facts.join(' · ')}`)}`;
}

function load({ sample, measured, lost }: TopState, colors: Colors): string {
  if (sample === null) return '';
  if (lost !== null) return colors.dim('below: as it was when it answered last');
  const { workers } = sample.snapshot;
  const total = (pick: (worker: WorkerSnapshot) => number) => workers.reduce((all, worker) => all + pick(worker), 0);
  const facts: [string, string][] = [
    ['requests', measured === null ? '–' : `${amount(measured.requestsPerSecond)}/s`],
    ['p50', latency(measured?.p50Ms)],
    ['p99', latency(measured?.p99Ms)],
    ['connections', amount(total((worker) => worker.connections))],
    ['cpu', percent(total((worker) => worker.cpuPercent))],
    ['memory', bytes(total((worker) => worker.pssBytes ?? worker.rssBytes))],
    ['errors', measured === null ? '–' : `${amount(measured.errorsPerSecond)}/s`],
  ];
  return facts.map(([name, value]) => `${colors.dim(name)} ${value}`).join('  ');
}

function latency(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : milliseconds(value);
}

function status({ sample, note, asking, app }: TopState, colors: Colors): string {
  if (asking !== null) return colors.bold(`${asking} ${app}? y: yes, any other key: no`);
  const reload = sample?.snapshot.reload;
  if (reload !== undefined && reload.state !== 'idle') {
    const done = '█'.repeat(Math.round((20 * reload.done) / Math.max(1, reload.total)));
    return colors.cyan(`${reload.state} ${done.padEnd(20, '░')} ${reload.done} of ${reload.total}`);
  }
  if (note !== null) return { plain: colors.cyan, good: colors.green, bad: colors.red }[note.tone](note.text);
  if (sample?.snapshot.circuit === 'open') return colors.red('circuit open: workers die early, starts are slowed down');
  const short = sample === null ? null : shortfallOf(sample.snapshot);
  return short === null
    ? ''
    : colors.yellow(`last ${short.what} ${short.standing.headline}: ${short.standing.summary}; ${short.why}`);
}

interface TopColumn {
  title: string;
  align: 'left' | 'right';
  cell: (worker: WorkerSnapshot, state: TopState, colors: Colors) => string;
}

const right = (title: string, cell: TopColumn['cell']): TopColumn => ({ title, align: 'right', cell });
const live =
  (cell: (worker: WorkerSnapshot) => string): TopColumn['cell'] =>
  (worker) =>
    worker.pid === null ? '' : cell(worker);

/** The most telling first: a narrow terminal shows as many as it has room for. */
const topColumns: readonly TopColumn[] = [
  right('slot', (worker) => String(worker.slot ?? 'spare')),
  { title: 'state', align: 'left', cell: (worker, _, colors) => paintState(worker, colors) },
  right(
    'cpu',
    live((worker) => percent(worker.cpuPercent)),
  ),
  right(
    'memory',
    live((worker) => bytes(worker.pssBytes ?? worker.rssBytes)),
  ),
  right('req/s', (worker, state) => amount(state.slots[String(worker.slot ?? 'spare')]?.requestsPerSecond ?? 0)),
  right(
    'conns',
    live((worker) => amount(worker.connections)),
  ),
  right(
    'loop',
    live((worker) => percent(worker.eventLoopUtilization * 100)),
  ),
  right(
    'delay',
    live((worker) => milliseconds(worker.eventLoopDelayP99Ms)),
  ),
  right('restarts', (worker) => String(worker.restarts)),
  right('gen', (worker) => String(worker.generation)),
  right(
    'up',
    live((worker) => age(worker.uptimeMs)),
  ),
  right(
    'pid',
    live((worker) => String(worker.pid)),
  ),
  { title: '', align: 'left', cell: (worker, _, colors) => colors.dim(worker.reason ?? '') },
];

function workerLines(state: TopState, columns: number, colors: Colors): string[] {
  const workers = state.sample?.snapshot.workers ?? [];
  const lines = (used: readonly TopColumn[]) => {
    const rows = workers.map((worker) => used.map((column) => column.cell(worker, state, colors)));
    return table(used, rows, colors.dim);
  };
  // The last column explains in words and may be cut; numbers may not.
  for (let count = topColumns.length - 1; count > 2; count -= 1) {
    const narrow = lines(topColumns.slice(0, count));
    if (Math.max(...narrow.map(width)) > columns) continue;
    return count === topColumns.length - 1 ? lines(topColumns) : narrow;
  }
  return lines(topColumns.slice(0, 2));
}

function footer({ others, pane }: TopState, colors: Colors): string {
  const keys: [string, string][] = [
    ['q', 'leave'],
    ['r', 'reload'],
    ['+ -', 'scale'],
    ['s', 'stop'],
    ['l', pane === 'log' ? 'events' : 'log'],
    ...(others > 0 ? [['Tab', 'next app'] as [string, string]] : []),
  ];
  return keys.map(([key, what]) => `${colors.inverse(` ${key} `)} ${what}`).join('  ');
}

function pad(lines: readonly string[], height: number): string[] {
  return Array.from({ length: height }, (_, row) => lines[row] ?? '');
}
