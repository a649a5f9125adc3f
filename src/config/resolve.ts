// Layers in, one decided configuration out: every option with its value and the place it came from, or one error that names every
// problem. Reads no file but package.json, for the name.

import { readFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { type Problem, TuttiError } from '../errors.ts';
import { appNameFrom } from '../files/app-name.ts';
import { type Layer, optionNames } from './layers.ts';
import { type Config, type OptionName, options } from './options.ts';
import { type Allowance, autoWorkers } from './sizing.ts';
import { suggest } from './suggest.ts';
import type { WorkerCount, WorkerRange } from './values.ts';

export interface ResolveContext {
  /** Highest first. */
  layers: readonly Layer[];
  /** Relative paths without a better base, and the working folder when no file names the app. */
  cwd: string;
  /** The folder of the configuration file, if there is one. */
  fileFolder: string | null;
  /** What `auto` and `max` are counted from. */
  limits: () => Allowance;
  /** The Node.js binary that runs tutti. */
  node: string;
  /** The default of `orphan`: it depends on who is expected to restart tutti. */
  orphan: 'drain' | 'serve';
  /** True: the app is the only one of its file, so the package's name is its name. */
  alone: boolean;
  /** Named environments that other apps of the file have: one name is then meant for them. */
  otherEnvironments: readonly string[];
  /** What to say when no layer names an entry. */
  missingEntry: () => TuttiError;
}

export interface Resolved {
  config: Config;
  /** Property of `Config` → the place its value came from. */
  sources: Readonly<Record<string, string>>;
  /** What the workers were counted from, as it is now. */
  limits: () => Allowance;
  /** The number of workers, counted again from these limits; null: it does not depend on them. */
  recount: ((limits: Allowance) => Config['workers']) | null;
}

type Values = { [K in OptionName]: v.InferOutput<(typeof options)[K]['kind']['schema']> };

interface Found {
  problem: Problem;
  from: Layer['from'];
}

const entryKeys: readonly string[] = ['entry', 'args'];

/** Throws one TuttiError with all problems. `entry` is absolute but not yet looked for. */
export function resolveConfig(context: ResolveContext): Resolved {
  const { layers, cwd } = context;
  const problems: Found[] = layers.flatMap(unknownKeys);
  const values: Record<string, unknown> = {};
  const origin: Partial<Record<string, Layer>> = {};

  for (const name of optionNames) {
    const layer = layers.find(({ values }) => values[name] !== undefined);
    if (layer !== undefined) origin[name] = layer;
    if (name === 'env') continue;
    values[name] = layer === undefined ? check(name, options[name].default) : checkIn(layer, name, problems);
  }
  values.env = mergedEnvironment(context, values, problems);
  if (values.balance === 'ports' && typeof values.spares === 'number' && values.spares > 0)
    problems.push(noSpares(origin.spares ?? origin.balance, values.spares));
  const entry = text(layers, 'entry', problems, origin);
  const args = texts(layers, problems, origin);
  if (problems.length > 0) throw failure(problems);
  if (entry === null) throw context.missingEntry();

  // The loop above has put the output of each option's own schema under its name.
  const decided = values as Values;
  const from = (name: string, path: string) => resolve(origin[name]?.folder ?? cwd, path);
  const entryPath = from('entry', entry);
  const config: Config = {
    ...renamed(decided),
    entry: entryPath,
    args,
    name: decided.name ?? defaultName(entryPath, context.alone),
    cwd: decided.cwd === null ? (context.fileFolder ?? cwd) : from('cwd', decided.cwd),
    node: decided.node === null ? context.node : from('node', decided.node),
    envFile: decided.envFile.map((path) => from('envFile', path)),
    logFile: decided.logFile === null ? null : from('logFile', decided.logFile),
    watch: Array.isArray(decided.watch) ? decided.watch.map((path) => from('watch', path)) : decided.watch,
    watchIgnore: decided.watchIgnore.map((path) => from('watchIgnore', path)),
    workers: counted(decided.workers, decided.surge, context.limits),
    orphan: decided.orphan ?? context.orphan,
  };
  const { workers, surge } = decided;
  const isAuto = workers.min === 'auto' || workers.max === 'auto';
  const recount = isAuto ? (limits: Allowance) => counted(workers, surge, () => limits) : null;
  return { config, sources: sourcesOf(origin, config), limits: context.limits, recount };
}

/** A spare has no slot before it is needed, and so no port. */
function noSpares(layer: Layer | undefined, spares: number): Found {
  const message = `must be 0 with balance "ports", where each slot has ports of its own and a spare has no slot yet, got ${spares}.`;
  return { from: layer?.from ?? 'call', problem: { source: layer?.source('spares') ?? 'spares', message } };
}

function unknownKeys(layer: Layer): Found[] {
  const known = [...entryKeys, ...optionNames];
  return Object.keys(layer.values)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const near = suggest(key, known);
      const message = `is not an option${near === null ? '; docs/options.md lists them all' : `; did you mean "${near}"?`}`;
      return { from: layer.from, problem: { source: layer.source(key), message } };
    });
}

function checkIn(layer: Layer, name: OptionName, problems: Found[]): unknown {
  const { schema, rule }: { schema: v.GenericSchema; rule: string } = options[name].kind;
  const result = v.safeParse(schema, layer.values[name]);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = layer.from === 'file' || layer.from === 'call' ? v.getDotPath(issue) : null;
  const got = layer.typed[name] ?? (path === null ? layer.values[name] : issue.path?.at(-1)?.value);
  const source = layer.source(name) + (path === null ? '' : `.${path}`);
  problems.push({ from: layer.from, problem: { source, message: `must be ${rule}, got ${show(got)}.` } });
  return undefined;
}

function check(name: OptionName, value: unknown): unknown {
  const schema: v.GenericSchema = options[name].kind.schema;
  return v.parse(schema, value);
}

/** Variables add up over the layers; of the same name the highest layer's holds, and a named environment lies over the file's own. */
function mergedEnvironment(context: ResolveContext, values: Record<string, unknown>, problems: Found[]) {
  const { layers } = context;
  const merged: Record<string, string> = {};
  const named = namedEnvironment(context, values, problems);
  for (const layer of layers.toReversed()) {
    if (layer.values.env !== undefined) Object.assign(merged, checkIn(layer, 'env', problems));
    if (layer.values.envs !== undefined) Object.assign(merged, named);
  }
  return merged;
}

function namedEnvironment(context: ResolveContext, values: Record<string, unknown>, problems: Found[]): unknown {
  const { layers, otherEnvironments } = context;
  const name = values.envName;
  if (typeof name !== 'string' || values.envs === undefined) return {};
  const all = values.envs as Record<string, Record<string, string>>;
  if (Object.hasOwn(all, name)) return all[name];
  const layer = layers.find(({ values }) => values.envName !== undefined);
  if (layer === undefined || otherEnvironments.includes(name)) return {};
  const names = Object.keys(all);
  const rule =
    names.length === 0 ? 'the name of an environment under "envs", and there is none' : `one of ${names.join(', ')}`;
  problems.push({
    from: layer.from,
    problem: { source: layer.source('envName'), message: `must be ${rule}, got ${show(name)}.` },
  });
  return {};
}

function text(layers: readonly Layer[], key: string, problems: Found[], origin: Partial<Record<string, Layer>>) {
  const layer = layers.find(({ values }) => values[key] !== undefined);
  if (layer === undefined) return null;
  origin[key] = layer;
  const value = layer.values[key];
  if (typeof value === 'string' && value !== '') return value;
  problems.push({
    from: layer.from,
    problem: { source: layer.source(key), message: `must be the path of a program, got ${show(value)}.` },
  });
  return null;
}

function texts(layers: readonly Layer[], problems: Found[], origin: Partial<Record<string, Layer>>): string[] {
  const layer = layers.find(({ values }) => values.args !== undefined);
  if (layer === undefined) return [];
  origin.args = layer;
  const value = layer.values.args;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  const message = `must be a list of strings, got ${show(value)}.`;
  problems.push({ from: layer.from, problem: { source: layer.source('args'), message } });
  return [];
}

function failure(found: readonly Found[]): TuttiError {
  const problems = found.map(({ problem }) => problem);
  return found.every(({ from }) => from === 'flags')
    ? new TuttiError('ERR_FLAGS_INVALID', { problems })
    : new TuttiError('ERR_CONFIG_INVALID', { problems });
}

function renamed(values: Values): Omit<Config, 'entry' | 'args'> {
  // The mapped type `Config` says the same: each option under the name in its `as`.
  return Object.fromEntries(optionNames.map((name) => [options[name].as, values[name]])) as unknown as Config;
}

function counted({ min, max }: WorkerRange, surge: number, limits: () => Allowance): Config['workers'] {
  const count = (wanted: WorkerCount) => {
    if (typeof wanted === 'object') return Math.max(1, limits().allCpus - wanted.allBut);
    return wanted === 'auto' ? autoWorkers(limits(), surge) : wanted === 'max' ? limits().allCpus : wanted;
  };
  const least = count(min);
  return { min: least, max: Math.max(least, count(max)) };
}

function sourcesOf(origin: Partial<Record<string, Layer>>, config: Config): Record<string, string> {
  const rows: [string, string][] = optionNames.map((name) => [
    options[name].as,
    origin[name]?.source(name) ?? 'default',
  ]);
  rows.push(['entry', origin.entry?.source('entry') ?? 'default']);
  if (config.args.length > 0)
    rows.push(['args', origin.args?.from === 'flags' ? 'after --' : (origin.args?.source('args') ?? '')]);
  return Object.fromEntries(rows);
}

/** The package's name without its scope; without one, or with several apps in one package, the entry's. */
function defaultName(entry: string, alone: boolean): string {
  const name = (alone ? packageName(dirname(entry)) : null) ?? basename(entry, extname(entry));
  return appNameFrom(name.replace(/^@[^/]*\//, ''));
}

function packageName(folder: string): string | null {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // No package.json here, or one that is not JSON: the folder above may have one, and the entry's name will do in the end.
  }
  const above = dirname(folder);
  return above === folder ? null : packageName(above);
}

export function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
