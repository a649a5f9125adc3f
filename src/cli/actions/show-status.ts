// The work of `tutti status`.

import { createColors } from 'picocolors';
import { exitCodes } from '../../errors.ts';
import { place, time, url } from '../../logs/own/sentences.ts';
import { oneLine } from '../../logs/own/visible.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import { abandoned, chooseRunning, type Known, knownApps } from '../shared/choose-apps.ts';
import { paintState } from '../shared/progress.ts';
import { age, amount, bytes, milliseconds, percent } from '../shared/readable.ts';
import { shortfallOf } from '../shared/shortfall.ts';
import { type Column, table } from '../shared/table.ts';
import { type Colors, type Terminal, wantsColor } from '../terminal.ts';

export interface StatusRequest {
  name: string | undefined;
  json: boolean;
  /** Of JSON, in blanks; 0: on one line. */
  indent: number;
  terminal: Terminal;
}

export async function showStatus({ name, json, indent, terminal }: StatusRequest): Promise<number> {
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  if (name !== undefined) return showOne(name, json, indent, terminal, colors);
  const known = await knownApps(terminal);
  const text = json
    ? JSON.stringify(listAsJson(known), null, indent)
    : listAsTable(known, colors, roomOf(terminal)).join('\n');
  terminal.stdout.write(`${text}\n`);
  return known.running.length === 0 ? exitCodes.notRunning : exitCodes.stopped;
}

async function showOne(
  name: string,
  json: boolean,
  indent: number,
  terminal: Terminal,
  colors: Colors,
): Promise<number> {
  const known = await knownApps(terminal);
  const left = leftOf(known).filter((one) => one.name === name);
  if (left.length > 0) {
    const text = json
      ? left.map((one) => JSON.stringify(one.json, null, indent))
      : leftTable(left, colors, roomOf(terminal));
    terminal.stdout.write(`${text.join('\n')}\n`);
    return exitCodes.notRunning;
  }
  const [app] = await chooseRunning([name], terminal, 'status', known);
  if (app === undefined) return exitCodes.notRunning;
  if (!app.answers) {
    if (json) terminal.stdout.write(`${JSON.stringify(silent(app), null, indent)}\n`);
    else terminal.stderr.write(`${app.name}: ${app.reason}\n`);
    return exitCodes.timedOut;
  }
  const text = json ? JSON.stringify(app.snapshot, null, indent) : detailOf(app.snapshot, terminal).join('\n');
  terminal.stdout.write(`${text}\n`);
  return exitCodes.stopped;
}

function listAsJson(known: Known): object {
  const { running } = known;
  const apps = [
    ...running.map((app) => (app.answers ? app.snapshot : silent(app))),
    ...leftOf(known).map((one) => one.json),
    ...stopped(known).map((name) => ({ name, state: 'stopped' })),
  ];
  return { schema: 1, apps };
}

function silent({ name, reason }: { name: string; reason: string }): object {
  return { name, state: 'silent', reason };
}

/** An app without a supervisor that nobody has stopped. */
interface Left {
  name: string;
  json: object;
  /** In the columns of the table. */
  cells(colors: Colors): string[];
}

function leftOf(known: Known): Left[] {
  const left = [...orphaned(known), ...died(known)];
  return [...left, ...failed(known).filter(({ name }) => !left.some((one) => one.name === name))];
}

/** Their last start came to nothing. */
function failed({ stopped }: Known): Left[] {
  return stopped.flatMap(({ name, failed }) =>
    failed === undefined
      ? []
      : [
          {
            name,
            json: { name, state: 'failed', at: failed.at, reason: failed.reason },
            cells: (colors: Colors) => [name, colors.red('failed to start'), '', '', `tutti logs ${name}`],
          },
        ],
  );
}

/** Their workers still live. */
function orphaned(known: Known): Left[] {
  return abandoned(known).map(({ name, primary, workers, serveMs, hasGivenUp, serving }) => ({
    name,
    json: {
      name,
      state: 'orphaned',
      policy: serveMs > 0 ? 'serve' : 'drain',
      supervisor: primary,
      workers: workers.map(({ pid }) => pid),
      since: serving === null ? null : new Date(serving.since).toISOString(),
      until: serving === null ? null : new Date(serving.until).toISOString(),
      givenUp: hasGivenUp,
    },
    cells: (colors) => [
      name,
      colors.red('orphaned'),
      colors.yellow(`${workers.length} ${serveMs === 0 ? 'left' : workers.length === 1 ? 'serves' : 'serve'}`),
      '',
      serving === null
        ? ''
        : `for ${age(Math.max(0, serving.until - Date.now()))} at most${hasGivenUp ? `, unless you type tutti start ${name}` : ''}`,
    ],
  }));
}

/** Nothing of them lives, and no stop was asked for. */
function died({ dead, orphans }: Known): Left[] {
  return dead
    .filter(({ name }, at) => dead.findIndex((one) => one.name === name) === at)
    .filter(({ name }) => !orphans.some((one) => one.name === name))
    .map(({ name, pid, isBefore }) => ({
      name,
      json: { name, state: 'died', supervisor: pid, reason: isBefore ? 'machine-restarted' : 'killed' },
      cells: (colors) => [name, colors.red(isBefore ? 'died with the machine' : 'died')],
    }));
}

function stopped(known: Known): string[] {
  const others = [...known.orphans, ...known.dead, ...failed(known)];
  return known.stopped.map(({ name }) => name).filter((name) => !others.some((one) => one.name === name));
}

function leftTable(left: readonly Left[], colors: Colors, room: number): string[] {
  const rows = left.map((one) => one.cells(colors));
  return table(
    [{ title: 'app' }, { title: 'state' }, right('workers'), right('gen', 3), { title: 'serves' }],
    rows,
    colors.dim,
    room,
  );
}

function listAsTable(known: Known, colors: Colors, room: number): string[] {
  const { running } = known;
  const left = leftOf(known);
  const ended = stopped(known);
  if (running.length + left.length + ended.length === 0) return ['Nothing is running. To begin: tutti start server.js'];
  const rows = running.map((app) => (app.answers ? appRow(app.snapshot, colors) : [app.name, colors.red('silent')]));
  const column = (title: string) => ({ title });
  return table(
    [
      column('app'),
      column('state'),
      right('workers'),
      right('gen', 3),
      column('serves'),
      right('up', 2),
      right('cpu'),
      right('memory'),
      right('restarts', 1),
    ],
    [...rows, ...left.map((one) => one.cells(colors)), ...ended.map((name) => [name, colors.dim('stopped')])],
    colors.dim,
    room,
  );
}

/** How wide a line may be: a terminal would wrap it, a pipe does not. */
function roomOf({ stdout }: Terminal): number {
  return (stdout.isTTY && stdout.columns) || Number.POSITIVE_INFINITY;
}

function right(title: string, spare?: number): Column {
  return { title, align: 'right', ...(spare !== undefined && { spare }) };
}

function appRow(snapshot: Snapshot, colors: Colors): string[] {
  const { workers } = snapshot;
  const ready = workers.filter(({ state }) => state === 'ready' || state === 'suspect').length;
  const enough = ready >= snapshot.target ? colors.green : colors.yellow;
  const short = shortfallOf(snapshot);
  const state = [
    snapshot.circuit === 'open' ? colors.red(`${snapshot.state}, circuit open`) : snapshot.state,
    ...(short === null
      ? []
      : [colors.yellow(`${short.what} ${short.standing.change === 'in-part' ? 'half-way' : 'refused'}`)]),
  ].join(', ');
  return [
    colors.bold(snapshot.name),
    state,
    enough(`${ready}/${snapshot.target}`),
    String(snapshot.generation),
    serves(snapshot),
    age(snapshot.uptimeMs),
    percent(sum(workers.map((worker) => worker.cpuPercent))),
    bytes(sum(workers.map((worker) => worker.pssBytes ?? worker.rssBytes))),
    String(sum(workers.map((worker) => worker.restarts))),
  ];
}

function serves({ listeners }: Snapshot): string {
  const [first, ...others] = listeners;
  if (first === undefined) return '–';
  return `${url(first) ?? place(first)}${others.length === 0 ? '' : ` +${others.length}`}`;
}

/** One app with its workers, for a person. */
export function detailOf(snapshot: Snapshot, terminal: Terminal): string[] {
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  const room = roomOf(terminal);
  const { reload } = snapshot;
  const facts: [string, string][] = [
    ['state', `${snapshot.state}${snapshot.circuit === 'open' ? colors.red(', circuit open') : ''}`],
    ['generation', String(snapshot.generation)],
    ['entry', snapshot.entry],
    ['serves', snapshot.listeners.map((one) => url(one) ?? place(one)).join(', ') || '–'],
    ['up', `${age(snapshot.uptimeMs)}, pid ${snapshot.pid}, tutti ${snapshot.version}, Node.js ${snapshot.node}`],
  ];
  if (reload.state !== 'idle') facts.push(['reload', `${reload.state}, ${reload.done} of ${reload.total}`]);
  const short = shortfallOf(snapshot);
  if (short !== null) {
    const { headline, summary, warning } = short.standing;
    facts.push([`last ${short.what}`, colors.red(`${headline}: ${summary}`)], ['why', short.why]);
    for (const line of reload.frame ?? []) facts.push(['', oneLine(line)]);
    if (warning !== null) facts.push(['careful', colors.yellow(warning)]);
  }
  return [
    colors.bold(snapshot.name),
    ...facts.map(([key, value]) => `  ${colors.dim(key.padEnd(11))} ${value}`.trimEnd()),
    '',
    ...workerTable(snapshot, colors, room - 2).map((line) => `  ${line}`),
  ];
}

function workerTable(snapshot: Snapshot, colors: Colors, room: number): string[] {
  const columns = [
    right('slot'),
    { title: 'state' },
    right('pid'),
    right('gen', 6),
    right('up', 3),
    right('cpu'),
    right('memory'),
    right('conns', 1),
    right('active', 7),
    right('requests', 4),
    right('loop', 5),
    right('delay p99', 8),
    right('restarts', 2),
    { title: '' },
  ];
  const rows = snapshot.workers.map((worker) => {
    const place = [String(worker.slot ?? 'spare'), paintState(worker, colors)];
    const why = worker.reason ?? lastExit(worker.lastExit);
    if (worker.pid === null) return [...place, ...Array<string>(10).fill(''), String(worker.restarts), colors.dim(why)];
    return [
      ...place,
      String(worker.pid),
      String(worker.generation),
      age(worker.uptimeMs),
      percent(worker.cpuPercent),
      bytes(worker.pssBytes ?? worker.rssBytes),
      amount(worker.connections),
      amount(worker.activeRequests),
      amount(worker.requestsTotal),
      percent(worker.eventLoopUtilization * 100),
      milliseconds(worker.eventLoopDelayP99Ms),
      String(worker.restarts),
      colors.dim(why),
    ];
  });
  return table(columns, rows, colors.dim, room);
}

function lastExit(exit: Snapshot['workers'][number]['lastExit']): string {
  // A reload or a recycle is nothing to look into.
  if (exit === null || exit.reason === 'planned') return '';
  const how = exit.signal ?? (exit.code === null ? '' : `code ${exit.code}`);
  return `last exit: ${exit.reason} ${how} ${time(Math.max(0, Date.now() - Date.parse(exit.at)))} ago`;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
