// Which running apps a command means: those named, all, those of the configuration file here, or, where there is none, the only one.

import { discover, type Found } from '../admin/discovery.ts';
import { suggest } from '../config/suggest.ts';
import { TuttiError } from '../errors.ts';
import { type LaunchRecord, readRecords } from './launch-record.ts';
import type { Terminal } from './terminal.ts';

export interface Known {
  running: readonly Found[];
  /** Apps that were started in the background once and do not run now. */
  stopped: readonly LaunchRecord[];
}

export async function knownApps(terminal: Terminal): Promise<Known> {
  const running = await discover(terminal.env);
  const stopped = readRecords(terminal.env).filter(({ name }) => !running.some((app) => app.name === name));
  return { running, stopped };
}

/** Throws a TuttiError when one that is meant does not run, or when it cannot be told which one is meant. */
export async function chooseRunning(typed: readonly string[], terminal: Terminal, command: string): Promise<Found[]> {
  const names = await namesOf(typed, terminal);
  const known = await knownApps(terminal);
  if (names.includes('all')) {
    if (known.running.length === 0) throw nothingRuns(null, known);
    return [...known.running];
  }
  if (names.length > 0) return byNames([...new Set(names)], typed.some(looksLikeFile), known, terminal);
  if (known.running.length === 0) throw nothingRuns(null, known);
  const here = await namesInConfig(terminal);
  const meant = here.flatMap((name) => known.running.filter((app) => app.name === name));
  if (meant.length > 0) return meant;
  // Who stands in the folder of one app does not mean another.
  if (here[0] !== undefined) throw nothingRuns(here[0], known);
  if (known.running.length === 1) return [...known.running];
  throw new TuttiError('ERR_APP_AMBIGUOUS', { names: known.running.map((app) => app.name), command });
}

/** A configuration file stands for its apps. */
export async function namesOf(typed: readonly string[], terminal: Terminal): Promise<string[]> {
  if (!typed.some(looksLikeFile)) return [...typed];
  const all = await Promise.all(
    typed.map(async (word) => (looksLikeFile(word) ? namesInConfig(terminal, word) : [word])),
  );
  return [...new Set(all.flatMap((names, index) => (names.length > 0 ? names : [typed[index] ?? ''])))];
}

/** As in config/load.ts, which is loaded only when there is such a word. */
export function looksLikeFile(word: string): boolean {
  return /\.(json|ya?ml|[cm]?[jt]s)$/.test(word);
}

/** The one app that a command for one app means. */
export async function chooseOne(name: string | undefined, terminal: Terminal, command: string): Promise<Found> {
  const apps = await chooseRunning(name === undefined ? [] : [name], terminal, command);
  const [app] = apps;
  if (app === undefined || apps.length > 1) {
    throw new TuttiError('ERR_APP_AMBIGUOUS', { names: apps.map((one) => one.name), command });
  }
  return app;
}

/** A file means those of its apps that run; who names an app means that one, and nothing is done when it does not run. */
function byNames(names: readonly string[], fromFile: boolean, known: Known, terminal: Terminal): Found[] {
  const running = names.filter((name) => known.running.some((app) => app.name === name));
  if (!fromFile || running.length === 0) return names.map((name) => byName(name, known));
  for (const name of names) if (!running.includes(name)) terminal.stderr.write(`${name}: does not run\n`);
  return running.map((name) => byName(name, known));
}

function byName(name: string, known: Known): Found {
  const app = known.running.find((one) => one.name === name);
  if (app === undefined) throw nothingRuns(name, known);
  return app;
}

function nothingRuns(name: string | null, known: Known): TuttiError {
  const names = [...known.running.map((app) => app.name), ...known.stopped.map((app) => app.name)];
  const isStopped = known.stopped.some((app) => app.name === name);
  const nearest =
    name === null || isStopped ? null : (suggest(name, names) ?? names.find((one) => one.startsWith(name)));
  return new TuttiError('ERR_NOT_RUNNING', {
    name,
    isStopped,
    nearest: nearest ?? null,
    running: known.running.map((app) => app.name),
  });
}

/** In the order of the file; nothing when there is no file here or it cannot be used. */
export async function namesInConfig(terminal: Terminal, file: string | null = null): Promise<string[]> {
  const [{ loadApps }, { findConfigFile, isConfigFile }, { surroundings }] = await Promise.all([
    import('../config/app.ts'),
    import('../config/load.ts'),
    import('../surroundings.ts'),
  ]);
  try {
    if (file !== null && !isConfigFile(file)) return [];
    if (findConfigFile(terminal.cwd, file ?? (terminal.env.TUTTI_CONFIG || null)) === null) return [];
    const request = {
      command: 'status',
      flags: {},
      entry: undefined,
      args: [],
      configPath: file,
      orphan: 'drain',
    } as const;
    const apps = await loadApps(request, surroundings(terminal.cwd, terminal.env));
    return apps.map((app) => app.config.name);
  } catch {
    // A broken file is not what this command is about: it goes by what runs.
    return [];
  }
}

export type { Found };
