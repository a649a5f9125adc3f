// Which running apps a command means: those named, all, those of the configuration file here, or, where there is none, the only one. No
// configuration file is run to find out: each supervisor says which one it came from.

import { realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { discover, type Found } from '../../admin/client/discovery.ts';
import {
  changingHands,
  type DeadSupervisor,
  findLeftBehind,
  forgetDead,
  type Orphans,
} from '../../app/orphans/orphans.ts';
import { isBeingStarted } from '../../app/orphans/turn.ts';
import { suggest } from '../../config/suggest.ts';
import { TuttiError } from '../../errors.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import { tellAside } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import { type LaunchRecord, readRecords } from './launch-record.ts';

/** A supervisor takes the name of its app before all else. */
const SETTLED_MS = 10_000;
/** After that the old one takes its place again. */
const HAND_OVER_MS = 16_000;

export interface Known {
  running: readonly Found[];
  /** Apps that were started in the background once and do not run now. */
  stopped: readonly LaunchRecord[];
  /** Workers whose supervisor was killed. */
  orphans: readonly Orphans[];
  /** Of those that are stopped, whose supervisor has ended without a word. */
  dead: readonly DeadSupervisor[];
  /** All that were started in the background, by name. */
  records: ReadonlyMap<string, LaunchRecord>;
}

/** A supervisor that is about to take the place of another is waited for. */
export async function runningApps({ env }: Terminal): Promise<Found[]> {
  for (const end = performance.now() + HAND_OVER_MS; ; await delay(50)) {
    const running = await discover(env);
    const hidden = changingHands(env).some((name) => !running.some((app) => app.name === name));
    if (!hidden || performance.now() > end) return running;
  }
}

export async function knownApps(terminal: Terminal): Promise<Known> {
  const running = await runningApps(terminal);
  const records = readRecords(terminal.env);
  const stopped = records.filter(({ name }) => !running.some((app) => app.name === name));
  const { orphans, dead } = findLeftBehind(terminal.env);
  const isNamed = ({ name }: DeadSupervisor): boolean => records.some((record) => record.name === name);
  // Who starts such an app again is not asked by its name.
  forgetDead(
    terminal.env,
    dead.filter((one) => !isNamed(one)),
  );
  return {
    running,
    stopped,
    orphans,
    dead: dead.filter((one) => isNamed(one) && !running.some(({ name }) => name === one.name)),
    records: new Map(records.map((record) => [record.name, record])),
  };
}

/** The same, once it is known what becomes of orphans whose app is about to be started. */
export async function settledApps(terminal: Terminal): Promise<Known> {
  for (const end = performance.now() + SETTLED_MS; ; await delay(100)) {
    const known = await knownApps(terminal);
    const isSettled = !abandoned(known).some(({ name }) => isBeingStarted(terminal.env, name));
    if (isSettled || performance.now() > end) return known;
  }
}

/** Workers that nobody supervises. */
export function abandoned({ running, orphans }: Known): readonly Orphans[] {
  return orphans.filter(({ name }) => !running.some((app) => app.name === name));
}

/**
 * Throws a TuttiError when one that is meant does not run, or when it cannot be told which one is meant. `already`: what the caller knows;
 * to find that out once more would ask every supervisor again.
 */
export async function chooseRunning(
  typed: readonly string[],
  terminal: Terminal,
  command: string,
  already: Known | null = null,
): Promise<Found[]> {
  const known = already ?? (await knownApps(terminal));
  const names = await namesOf(typed, known, terminal);
  if (names.includes('all')) {
    if (known.running.length === 0) throw nothingRuns(null, known);
    return [...known.running];
  }
  if (names.length > 0) return byNames([...new Set(names)], typed.some(looksLikeFile), known, terminal);
  if (known.running.length === 0) throw nothingRuns(null, known);
  const file = await configFile(terminal, null);
  const here = file === null ? [] : namesFrom(file, known);
  const meant = here.flatMap((name) => known.running.filter((app) => app.name === name));
  if (meant.length > 0) return meant;
  // Who stands in the folder of one app does not mean another.
  if (file !== null) throw nothingRuns(here[0] ?? null, known, file);
  if (known.running.length === 1) return [...known.running];
  throw new TuttiError('ERR_APP_AMBIGUOUS', { names: known.running.map((app) => app.name), command });
}

/** As chooseRunning, for a command that takes stopped apps too. */
export async function chooseKnown(
  names: readonly string[],
  known: Known,
  terminal: Terminal,
  command: string,
): Promise<{ running: readonly Found[]; stopped: readonly LaunchRecord[] }> {
  const stopped = known.stopped.filter(({ name }) => names.includes(name));
  const others = names.filter((name) => !stopped.some((record) => record.name === name));
  // Without any name it goes by what runs.
  const running =
    others.length > 0 || stopped.length === 0 ? await chooseRunning(others, terminal, command, known) : [];
  return { running, stopped };
}

/** A configuration file stands for those of its apps that run or ran. */
export async function namesOf(typed: readonly string[], known: Known, terminal: Terminal): Promise<string[]> {
  const all = await Promise.all(
    typed.map(async (word) => {
      const file = looksLikeFile(word) ? await configFile(terminal, word) : null;
      const names = file === null ? [] : namesFrom(file, known);
      return names.length > 0 ? names : [word];
    }),
  );
  return [...new Set(all.flat())];
}

/** As in config/load.ts, which is loaded only when there is such a word. */
export function looksLikeFile(word: string): boolean {
  return /\.(json|ya?ml|[cm]?[jt]s)$/.test(word);
}

/** The one app that a command for one app means; as `chooseRunning`. */
export async function chooseOne(
  name: string | undefined,
  terminal: Terminal,
  command: string,
  already: Known | null = null,
): Promise<Found> {
  if (name === 'all') {
    const hint = `Name it, as in: tutti ${command} web`;
    throw new TuttiError('ERR_USAGE', { problem: `tutti ${command} takes one app at a time, not all`, hint });
  }
  const apps = await chooseRunning(name === undefined ? [] : [name], terminal, command, already);
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
  for (const name of names) if (!running.includes(name)) tellAside(`${name}: does not run`, terminal);
  return running.map((name) => byName(name, known));
}

function byName(name: string, known: Known): Found {
  const app = known.running.find((one) => one.name === name);
  if (app === undefined) throw nothingRuns(name, known);
  return app;
}

function nothingRuns(name: string | null, known: Known, file: string | null = null): TuttiError {
  const names = [...known.running.map((app) => app.name), ...known.stopped.map((app) => app.name)];
  const isStopped = known.stopped.some((app) => app.name === name);
  const nearest =
    name === null || isStopped ? null : (suggest(name, names) ?? names.find((one) => one.startsWith(name)));
  return new TuttiError('ERR_NOT_RUNNING', {
    name,
    isStopped,
    nearest: nearest ?? null,
    running: known.running.map((app) => app.name),
    file,
    orphans: known.orphans.filter((one) => one.name === name).flatMap(({ workers }) => workers.map(({ pid }) => pid)),
    servesOn: known.orphans.some((one) => one.name === name && one.serveMs > 0),
    died: known.dead.find((one) => one.name === name)?.pid ?? null,
  });
}

/** The configuration file that is meant, or null. */
async function configFile(terminal: Terminal, file: string | null): Promise<string | null> {
  const { findConfigFile, isConfigFile } = await import('../../config/load.ts');
  if (file !== null && !isConfigFile(file)) return null;
  try {
    return findConfigFile(terminal.cwd, file ?? (terminal.env.TUTTI_CONFIG || null));
  } catch {
    // There is none; then it goes by what runs.
    return null;
  }
}

/** The apps that came from a configuration file, in its order. */
function namesFrom(file: string, known: Known): string[] {
  const apps = [...known.running, ...known.stopped].map((app) => ({ name: app.name, config: configOf(app, known) }));
  return apps
    .filter(({ config }) => config !== null && realPath(config.file) === realPath(file))
    .sort((a, b) => (a.config?.position ?? 0) - (b.config?.position ?? 0))
    .map(({ name }) => name);
}

/** As its supervisor says; for one that is silent, of an older tutti, or ended, as it was started. */
function configOf(app: Found | LaunchRecord, { records }: Known): NonNullable<Snapshot['config']> | null {
  const said = 'answers' in app && app.answers ? app.snapshot.config : undefined;
  if (said !== undefined) return said;
  const { config = 'none', position = 0 } = records.get(app.name) ?? {};
  return config === 'none' ? null : { file: config, position };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It was removed since.
    return path;
  }
}

export type { Found };
