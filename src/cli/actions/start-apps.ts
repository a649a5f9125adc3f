// The work of `tutti start`: finds out what is meant, checks it here where the caller sees it, and starts each in the background.

import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { createColors } from 'picocolors';
import { asTuttiError } from '../../app/known-error.ts';
import { findOrphans } from '../../app/orphans/orphans.ts';
import { surroundings } from '../../app/surroundings.ts';
import { type AppRequest, type LoadedApp, loadApp, loadApps, loadNamed, placeOf } from '../../config/app.ts';
import { isConfigFile } from '../../config/load.ts';
import { exitCodes, messageOf, TuttiError } from '../../errors.ts';
import { time, url } from '../../logs/own/sentences.ts';
import { ownLines } from '../../logs/own/visible.ts';
import { tellAside, tellFailure } from '../failure.ts';
import { appFlags, configFlag } from '../shared/app-options.ts';
import { settledApps } from '../shared/choose-apps.ts';
import { type LaunchRecord, readRecord, recordFailure, writeRecord } from '../shared/launch-record.ts';
import { type Terminal, wantsColor } from '../terminal.ts';
import { launchInBackground, type Started } from './launch-in-background.ts';

export interface StartRequest {
  positionals: readonly string[];
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
  terminal: Terminal;
}

export async function startApps(request: StartRequest): Promise<number> {
  const { terminal, positionals, options } = request;
  const running = new Set((await settledApps(terminal)).running.map((app) => app.name));
  const meant = await whatIsMeant(request);
  const already = meant.filter(({ name }) => running.has(name)).map(({ name }) => name);
  const fresh = meant.filter(({ name }) => !running.has(name));
  // Named apps must all be startable; of a whole file, what runs already is left alone.
  if (already.length > 0 && (positionals.length > 0 || fresh.length === 0)) {
    throw new TuttiError('ERR_ALREADY_RUNNING', { names: already });
  }
  const json = options.json === true;
  if (!json) for (const name of already) terminal.stdout.write(`${name}: runs already\n`);
  return startAll(fresh, json, terminal);
}

/** Whether anything is typed that says how an app is to run. */
export function typesMore(args: readonly string[], options: StartRequest['options']): boolean {
  return args.length > 0 || Object.keys(appFlags(options)).some((flag) => flag !== 'json');
}

/** One after the other; the first that fails ends it, because the next may need it. */
async function startAll(records: readonly LaunchRecord[], json: boolean, terminal: Terminal): Promise<number> {
  const started: Started[] = [];
  let code: number = exitCodes.stopped;
  for (const record of records) {
    try {
      started.push(await startOne(record, json, terminal));
    } catch (error) {
      code = tellFailure(error, terminal);
      break;
    }
  }
  if (json && (started.length > 0 || code === exitCodes.stopped)) {
    terminal.stdout.write(`${JSON.stringify({ schema: 1, started })}\n`);
  }
  return code === exitCodes.stopped ? startedCode(started) : code;
}

/** Rejects with the TuttiError that its supervisor ended with. */
export async function startOne(record: LaunchRecord, json: boolean, terminal: Terminal): Promise<Started> {
  const began = performance.now();
  if (!json) tellOrphans(record.name, terminal);
  const tellAwaited = (text: string): void => tellAside(`${record.name}: ${text}`, terminal);
  const app = await launchInBackground(record, terminal.env, tellAwaited).catch((error: unknown) => {
    recordFailure(terminal.env, record, asTuttiError(error));
    throw error;
  });
  keepRecord({ ...record, failed: undefined, logFile: app.log }, terminal);
  if (!json) tellStarted(app, performance.now() - began, terminal);
  return app;
}

/** What was asked for and cannot be had needs a look, although the app runs. */
export function startedCode(started: readonly Started[]): number {
  return started.some(({ problems }) => problems.length > 0) ? exitCodes.degraded : exitCodes.stopped;
}

/** What becomes of them is the business of the start itself; here it is said why that takes a while. */
function tellOrphans(name: string, terminal: Terminal): void {
  for (const { primary, workers, serveMs } of findOrphans(terminal.env, name)) {
    const pids = workers.map(({ pid }) => pid).join(', ');
    const what =
      serveMs > 0 ? 'they serve until new ones are ready' : 'those that do not close their ports are ended first';
    terminal.stderr.write(
      `${name}: workers of a supervisor that was killed (pid ${primary}) are still here (${pids}); ${what}\n`,
    );
  }
}

/** The app runs, whether it can be remembered or not. */
function keepRecord(record: LaunchRecord, terminal: Terminal): void {
  try {
    writeRecord(terminal.env, record);
  } catch (error) {
    const reason = messageOf(error);
    tellAside(`${record.name} runs, but cannot be started again by its name alone: ${reason}`, terminal);
  }
}

/** Each word is a program, an app of the configuration file, or an app that was started before; without words, the file. */
export async function whatIsMeant(request: StartRequest): Promise<LaunchRecord[]> {
  const { positionals, terminal } = request;
  const file = positionals.find((word) => isConfigFile(word) && existsSync(resolve(terminal.cwd, word)));
  if (file !== undefined) {
    const rest = positionals.filter((word) => word !== file);
    return whatIsMeant({ ...request, positionals: rest, options: { ...request.options, config: file } });
  }
  if (positionals.length === 0) {
    const apps = await loadApps(appRequest(request, undefined), surroundings(terminal.cwd, terminal.env));
    return apps.map((app) => told(app, undefined, request));
  }
  const records: LaunchRecord[] = [];
  for (const word of positionals) records.push(await oneThatIsMeant(word, request));
  return records;
}

/** What is odd is said here too, because nobody may ever read the log of the app. */
function told(app: LoadedApp, entry: string | undefined, request: StartRequest): LaunchRecord {
  for (const warning of app.fileWarnings) tellAside(warning, request.terminal);
  for (const warning of app.warnings) tellAside(`${app.config.name}: ${warning}`, request.terminal);
  return recordOf(app, entry, request);
}

async function oneThatIsMeant(word: string, request: StartRequest): Promise<LaunchRecord> {
  const { terminal, args, options } = request;
  const typedMore = typesMore(args, options);
  const stats = statSync(resolve(terminal.cwd, word), { throwIfNoEntry: false });
  // A folder that happens to have the name of an app does not stand for a program.
  const isFile = stats !== undefined && !(stats.isDirectory() && !typedMore && readRecord(terminal.env, word) !== null);
  const around = surroundings(terminal.cwd, terminal.env);
  const { path, refused } = placeOf({ configPath: configFlag(options) }, around);
  if (!isFile && path !== null) {
    const app = await loadNamed(word, appRequest(request, undefined), around);
    if (app !== null) return told(app, undefined, request);
  }
  const known = isFile || typedMore ? null : readRecord(terminal.env, word, (warning) => tellAside(warning, terminal));
  if (known !== null) {
    if (refused !== null) tellAside(`${word}: ${refused.message} ${refused.remedy}`, terminal);
    return { ...known, startedAt: new Date().toISOString() };
  }
  return told(await loadApp(appRequest(request, word), around), word, request);
}

function appRequest({ args, options }: StartRequest, entry: string | undefined): AppRequest {
  return { command: 'start', flags: appFlags(options), entry, args, configPath: configFlag(options), orphan: 'serve' };
}

function recordOf(app: LoadedApp, entry: string | undefined, { args, options, terminal }: StartRequest): LaunchRecord {
  const { json: _, ...flags } = appFlags(options);
  return {
    schema: 1,
    name: app.config.name,
    cwd: terminal.cwd,
    entry: entry ?? null,
    args,
    flags: { ...flags, name: [app.config.name] },
    config: app.file ?? 'none',
    position: app.position,
    startedAt: new Date().toISOString(),
  };
}

function tellStarted({ name, pid, snapshot, page, problems, warnings }: Started, ms: number, terminal: Terminal): void {
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  const urls = snapshot.listeners.map(url).filter((address) => address !== null);
  const serves = urls.length === 0 ? '' : `, ${urls.join(' ')}`;
  const workers = `${snapshot.target} worker${snapshot.target === 1 ? '' : 's'}`;
  const mark = problems.length === 0 ? colors.green('✔') : colors.yellow('!');
  const but = problems.length === 0 ? '' : ', but not all that was asked for can be had';
  terminal.stdout.write(`${mark} ${name}: started in ${time(ms)}, ${workers}, pid ${pid}${serves}${but}\n`);
  for (const line of [...problems, ...warnings]) terminal.stderr.write(`  ${ownLines(line)}\n`);
  if (page !== null) terminal.stdout.write(`  its page: ${page}\n`);
  if (terminal.stdout.isTTY) terminal.stdout.write(colors.dim(`  its output: tutti logs ${name}\n`));
}
