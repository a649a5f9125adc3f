// The work of the commands that change running apps: one app after the other, shown while it works, with an honest end.

import { createColors } from 'picocolors';
import { AdminClientError } from '../../admin/client/client.ts';
import { oneLine, ownLines } from '../../logs/own/visible.ts';
import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import { type Terminal, wantsColor } from '../terminal.ts';
import { type Found, runningApps } from './choose-apps.ts';
import { type AppOutcome, type CommandOutcome, isQuoted, outcomeLines, worstExitCode } from './outcome.ts';
import { showProgress } from './progress.ts';

export interface AppCommand {
  /** As the API calls it. */
  verb: 'reload' | 'rollback' | 'scale' | 'recycle' | 'stop' | 'upgrade';
  body: object;
  /** What to say when it went well. */
  done: string;
  /** After a failure the other apps stay as they are: a bad deploy must not reach them. */
  untilFailure: boolean;
  /** Answer without waiting any longer than this; null: wait for the end. */
  timeoutMs: number | null;
  json: boolean;
  /** Looks at the world before the result is believed. */
  verify?: (app: Found, result: CommandOutcome) => Promise<CommandOutcome>;
}

export async function control(apps: readonly Found[], order: AppCommand, terminal: Terminal): Promise<number> {
  const outcomes = await carryOut(apps, order, terminal);
  if (order.json) terminal.stdout.write(`${JSON.stringify({ schema: 1, ...asJson(apps, outcomes) })}\n`);
  return worstExitCode(outcomes);
}

/** Without --json each outcome is told as it comes. */
export async function carryOut(
  apps: readonly Found[],
  order: AppCommand,
  terminal: Terminal,
): Promise<readonly AppOutcome[]> {
  const outcomes: AppOutcome[] = [];
  for (const app of apps) {
    const outcome = await controlOne(app, order, terminal);
    outcomes.push(outcome);
    if (!order.json) writeOutcome(outcome, order, terminal);
    const { outcome: end } = outcome.result;
    const interrupted = end === 'timed-out' && order.timeoutMs === null;
    if (interrupted || (end !== 'done' && order.untilFailure)) break;
  }
  const untouched = apps.slice(outcomes.length).map((app) => app.name);
  if (!order.json && untouched.length > 0) terminal.stderr.write(`Not touched: ${untouched.join(', ')}\n`);
  return outcomes;
}

export function asJson(
  apps: readonly { name: string }[],
  outcomes: readonly AppOutcome[],
): { results: object[]; untouched: string[] } {
  return {
    results: outcomes.map(({ app, ms, result }) => ({ app, ms: Math.round(ms), ...plain(result) })),
    untouched: apps.slice(outcomes.length).map(({ name }) => name),
  };
}

export async function controlOne(app: Found, order: AppCommand, terminal: Terminal): Promise<AppOutcome> {
  const began = performance.now();
  const leave = new AbortController();
  const work = sendAndWait(app, order, { signal: leave.signal, terminal }).then(
    (result) => order.verify?.(app, result) ?? result,
  );
  if (order.json) await work;
  else await showProgress(app.client, terminal.stdout, createColors(wantsColor(terminal, terminal.stdout)), work);
  const result = await work;
  leave.abort();
  return { app: app.name, ms: performance.now() - began, result };
}

interface Sending {
  signal: AbortSignal;
  terminal: Terminal;
  isAgain?: boolean;
}

async function sendAndWait(
  app: Found,
  order: AppCommand,
  { signal, terminal, isAgain = false }: Sending,
): Promise<CommandOutcome> {
  try {
    const command = app.client.command(order.verb, order.body, signal);
    return await Promise.race([command, interrupted(signal), ...deadline(order, signal)]);
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error;
    if (error.kind === 'refused') return { outcome: 'refused', reason: error.message };
    // Nobody has it: it may be for the supervisor that comes.
    const comes =
      error.kind === 'gone' && !isAgain && (await runningApps(terminal)).some(({ name }) => name === app.name);
    if (comes) return sendAndWait(app, order, { signal, terminal, isAgain: true });
    return { outcome: 'lost', reason: error.message };
  }
}

/** Ctrl-C ends the waiting; the work belongs to the supervisor and goes on, which must be said. */
function interrupted(signal: AbortSignal): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const interrupt = () => resolve({ outcome: 'timed-out', reason: 'it was only this command that was interrupted' });
    process.once('SIGINT', interrupt);
    signal.addEventListener('abort', () => process.off('SIGINT', interrupt));
  });
}

function deadline({ timeoutMs }: AppCommand, signal: AbortSignal): Promise<CommandOutcome>[] {
  if (timeoutMs === null) return [];
  return [
    new Promise((resolve) => {
      const timer = setTimeout(
        () => resolve({ outcome: 'timed-out', reason: `it was not done after ${timeoutMs / 1000} s` }),
        timeoutMs,
      );
      signal.addEventListener('abort', () => clearTimeout(timer));
    }),
  ];
}

export function writeOutcome(
  outcome: AppOutcome,
  { verb, done }: Pick<AppCommand, 'verb' | 'done'>,
  terminal: Terminal,
): void {
  const good = outcome.result.outcome === 'done';
  const output = good ? terminal.stdout : terminal.stderr;
  const colors = createColors(wantsColor(terminal, output));
  const [first = '', ...rest] = outcomeLines(outcome, verb, done);
  const mark = good ? colors.green('✔') : outcome.result.outcome === 'failed' ? colors.red('✖') : colors.yellow('!');
  output.write(
    `${mark} ${ownLines(first)}\n${rest.map((line) => `${isQuoted(line) ? colors.dim(oneLine(line)) : oneLine(line)}\n`).join('')}`,
  );
}

function plain(result: CommandOutcome): CommandResult | CommandOutcome {
  const { schema: _, ...rest } = result as CommandOutcome & { schema?: number };
  return rest;
}
