// The work of `tutti stop`: ends only when the process is gone, so that what comes next can take its name and its ports.

import { setTimeout as delay } from 'node:timers/promises';
import { findLeftBehind, forgetDead, type Orphans, stopOrphans } from '../../app/orphans/orphans.ts';
import { takeTurnOf } from '../../app/orphans/turn.ts';
import { orNone } from '../../files/state-folder.ts';
import { isAlive } from '../../protocol/orphans/process-identity.ts';
import { abandoned, chooseRunning, type Found, namesOf, settledApps } from '../shared/choose-apps.ts';
import { type AppCommand, asJson, carryOut, writeOutcome } from '../shared/control.ts';
import { type AppOutcome, type CommandOutcome, worstExitCode } from '../shared/outcome.ts';
import type { Terminal } from '../terminal.ts';

/** From the answer to the end of the process. Chosen, not measured. */
const GONE_PATIENCE_MS = 5000;

export interface StopRequest {
  fast: boolean;
  /** Answer without waiting any longer than this; null: wait for the end. */
  timeoutMs: number | null;
  json: boolean;
}

type Wish = Pick<StopRequest, 'fast' | 'timeoutMs'>;

/** What the other commands that end apps are asked for. */
export interface EndRequest {
  names: readonly string[];
  fast: boolean;
  json: boolean;
  terminal: Terminal;
}

/** What a stop ends. */
export interface Stoppable {
  /** Workers whose supervisor was killed. */
  orphans: readonly Orphans[];
  apps: readonly Found[];
}

export async function stopApps(typed: readonly string[], request: StopRequest, terminal: Terminal): Promise<number> {
  const meant = await chooseToStop(typed, terminal);
  const outcomes = await stopEach(meant, request, terminal);
  const names = [...meant.orphans, ...meant.apps];
  if (request.json) terminal.stdout.write(`${JSON.stringify({ schema: 1, ...asJson(names, outcomes) })}\n`);
  return worstExitCode(outcomes);
}

/** As chooseRunning; an app whose supervisor was killed counts for as long as its workers live. */
async function chooseToStop(typed: readonly string[], terminal: Terminal): Promise<Stoppable> {
  const known = await settledApps(terminal);
  const names = await namesOf(typed, known, terminal);
  const left = abandoned(known);
  const nothingElse =
    names.length === 0 && known.running.length === 0 && new Set(left.map(({ name }) => name)).size === 1;
  const isAll = names.includes('all') || nothingElse;
  const orphans = isAll ? left : left.filter(({ name }) => names.includes(name));
  const isLeft = (name: string): boolean => orphans.some((one) => one.name === name);
  const isDone = orphans.length > 0 && (isAll ? known.running.length === 0 : names.every(isLeft));
  return {
    orphans,
    apps: isDone
      ? []
      : await chooseRunning(
          typed.filter((word) => !isLeft(word)),
          terminal,
          'stop',
          known,
        ),
  };
}

export async function stopEach(
  { apps, orphans }: Stoppable,
  { fast, timeoutMs, json }: StopRequest,
  terminal: Terminal,
): Promise<readonly AppOutcome[]> {
  const order: AppCommand = {
    verb: 'stop',
    body: { fast },
    done: 'stopped',
    untilFailure: false,
    verify: (app, result) => ended(app, result, { fast, timeoutMs }, terminal),
    timeoutMs,
    json,
  };
  const ends: AppOutcome[] = [];
  for (const one of orphans) {
    const left = `${one.name}: its supervisor was killed; ending the workers that it left: ${pids(one.workers)}\n`;
    if (!json) terminal.stdout.write(left);
    const began = performance.now();
    const result = await endOrphans(one, { fast, timeoutMs }, terminal);
    const outcome = { app: one.name, ms: performance.now() - began, result };
    ends.push(outcome);
    if (!json) writeOutcome(outcome, order, terminal);
  }
  return [...ends, ...(await carryOut(apps, order, terminal))];
}

async function endOrphans(orphans: Orphans, { fast, timeoutMs }: Wish, { env }: Terminal): Promise<CommandOutcome> {
  const turn = await takeTurnOf(env, orphans.name);
  const ends = stopOrphans(orphans, { fast, mostMs: timeoutMs ?? Number.POSITIVE_INFINITY });
  const { killed, alive } = await ends.finally(() => turn.end());
  if (alive.length === 0) {
    forgetDead(env, findLeftBehind(env, orphans.name).dead);
    return { outcome: 'done', ...(killed.length > 0 && { detail: `had to be killed: ${pids(killed)}` }) };
  }
  const reason = `these live yet: ${pids(alive)}`;
  return timeoutMs === null ? { outcome: 'failed', reason, lastLines: [] } : { outcome: 'timed-out', reason };
}

function pids(processes: readonly { pid: number }[]): string {
  return processes.map(({ pid }) => pid).join(', ');
}

/** The last answer may be lost on the way out; what counts is that the process is gone, and if it was killed meanwhile, its workers. */
async function ended(app: Found, result: CommandOutcome, wish: Wish, terminal: Terminal): Promise<CommandOutcome> {
  if (!app.answers || (result.outcome !== 'done' && result.outcome !== 'lost')) return result;
  const { pid } = app.snapshot;
  if (!(await isGone(pid))) return { outcome: 'timed-out', reason: `process ${pid} has not ended yet` };
  const left = orNone(() => findLeftBehind(terminal.env, app.name));
  const orphans = left?.orphans.find(({ primary }) => primary === pid);
  if (orphans !== undefined) return endOrphans(orphans, wish, terminal);
  forgetDead(terminal.env, left?.dead ?? []);
  return { outcome: 'done' };
}

/** Whether the process has ended within a few seconds. */
async function isGone(pid: number): Promise<boolean> {
  for (const end = performance.now() + GONE_PATIENCE_MS; performance.now() < end; await delay(10)) {
    if (!isAlive(pid)) return true;
  }
  return false;
}
