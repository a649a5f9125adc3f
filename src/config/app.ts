// From what the operator typed to the apps that are meant: finds and loads the configuration file, lays the layers over each other,
// resolves, and checks against the disk. Runs in the primary (again at each reload) and in commands.

import { accessSync, constants, statSync } from 'node:fs';
import { basename, dirname, extname, relative, resolve } from 'node:path';
import { type Problem, TuttiError } from '../errors.ts';
import { resolveEntry } from './entry/entry.ts';
import { selfClusteringWarnings } from './entry/self-clustering.ts';
import { throughPackage } from './entry/through-package.ts';
import {
  environmentLayer,
  flagLayer,
  type Layer,
  misspeltVariables,
  objectLayer,
  platformLayer,
  unusableConcurrency,
} from './layers.ts';
import { type ConfigPlace, configPlace, isConfigFile, type LoadedFile, loadConfigFile, reasonOf } from './load.ts';
import type { AppOptions, Config, OptionName } from './options.ts';
import { type ResolveContext, type Resolved, resolveConfig } from './resolve.ts';
import type { Allowance } from './sizing.ts';

/** What config/ must be told of the process it runs in. */
export interface Surroundings {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** What `workers: auto` is counted from. */
  limits: () => Allowance;
  /** The Node.js binary that runs tutti. */
  node: string;
}

export interface AppRequest {
  /** The command's name, for errors that show what to type. */
  command: string;
  /** As typed, by option; a switch is a boolean. */
  flags: Readonly<Partial<Record<OptionName, readonly string[] | boolean>>>;
  entry: string | undefined;
  args: readonly string[];
  /** --config: a path, `none`, or nothing. */
  configPath: string | null;
  orphan: 'drain' | 'serve';
}

export interface LoadedApp extends Resolved {
  /** The configuration file, if one was used. */
  file: string | null;
  /** Its place among the apps of the file, from 0. */
  position: number;
  /** The log files that its configuration file names for any of its apps. */
  logFiles: readonly string[];
  /** Things that are odd but no error. */
  warnings: readonly string[];
  /** What is odd about the file itself, and of apps that it names and none of which runs; with the first that does. */
  fileWarnings: readonly string[];
  /** Does it all again: what the command line and the environment said stays, the file is read anew. */
  reread: () => Promise<LoadedApp>;
}

/** The one app that is meant. Throws a TuttiError if there is none, if several could be, or if it is not usable. */
export async function loadApp(asked: AppRequest, around: Surroundings): Promise<LoadedApp> {
  const request = withConfigFile(asked);
  const place = placeOf(request, around);
  const file = place.path === null ? null : await loadConfigFile(place.path);
  const index = file === null ? 0 : choose(file, request, around);
  return loadOne(file, index, { ...request, refused: place.refused }, around);
}

/** Every app of the configuration file, in its order; the one that the command line names if it names one. */
export async function loadApps(asked: AppRequest, around: Surroundings): Promise<LoadedApp[]> {
  const request = withConfigFile(asked);
  const { path } = placeOf(request, around);
  const file = path === null ? null : await loadConfigFile(path);
  if (file === null || request.entry !== undefined || request.flags.name !== undefined) {
    return [await loadApp(request, around)];
  }
  const loaded = loadAll(file, { ...request, refused: null }, around);
  refuseDoubleNames(file, loaded);
  return loaded;
}

/** The app of that name in the configuration file; what is wrong with others does not matter. null: it has none. */
export async function loadNamed(name: string, asked: AppRequest, around: Surroundings): Promise<LoadedApp | null> {
  const { path } = placeOf(asked, around);
  if (path === null) return null;
  const file = await loadConfigFile(path);
  const request: Located = { ...asked, refused: null };
  const index = file.apps.findIndex((app, at) => nameOf(app, file, at) === name);
  if (index !== -1) return loadOne(file, index, request, around);
  // Without a name of its own, the only app may take that of its package.
  const only = file.apps.length === 1 ? loadOne(file, 0, request, around) : null;
  return only?.config.name === name ? only : null;
}

/** What is wrong with any of them is told at once. */
function loadAll(file: LoadedFile, request: Located, around: Surroundings): LoadedApp[] {
  const loaded: LoadedApp[] = [];
  const problems = new Map<string, Problem>();
  const others: unknown[] = [];
  const leftOut: string[] = [];
  for (const index of file.apps.keys()) {
    try {
      loaded.push(loadOne(file, index, request, around));
    } catch (error) {
      if (file.isPm2 && isForeign(error))
        leftOut.push(`${nameOf(file.apps[index] ?? {}, file, index)} is left out: ${error.message}`);
      else if (!isInvalid(error)) others.push(error);
      // A variable is wrong for each of them.
      else for (const problem of error.details.problems) problems.set(`${problem.source} ${problem.message}`, problem);
    }
  }
  if (problems.size > 0) throw new TuttiError('ERR_CONFIG_INVALID', { problems: [...problems.values()] });
  if (others.length > 0) throw others[0];
  const [first, ...more] = loaded;
  if (first === undefined) return [loadOne(file, 0, request, around)];
  const ofNone = first.position === 0 ? [] : lostOfNone(file);
  return [{ ...first, fileWarnings: [...ofNone, ...first.fileWarnings, ...leftOut] }, ...more];
}

/** PM2 runs what is no Node.js program beside those that are. */
function isForeign(error: unknown): error is TuttiError {
  return error instanceof TuttiError && error.code === 'ERR_ENTRY_NOT_NODE';
}

function isInvalid(error: unknown): error is TuttiError<'ERR_CONFIG_INVALID'> {
  return error instanceof TuttiError && error.code === 'ERR_CONFIG_INVALID';
}

/** An app that a program describes: supervise({ entry: 'server.js', … }). TUTTI_* variables lie over it, as over a file. */
export function loadGiven(given: AppOptions, around: Surroundings): LoadedApp {
  const resolved = resolveConfig({
    layers: [
      environmentLayer(around.env, around.cwd),
      objectLayer('call', { ...given }, (key) => `supervise(): ${key}`, around.cwd),
      ...platformLayers(around),
    ],
    cwd: around.cwd,
    fileFolder: null,
    limits: around.limits,
    node: around.node,
    orphan: 'drain',
    alone: true,
    otherEnvironments: [],
    missingEntry: () => new TuttiError('ERR_CONFIG_MISSING', { folder: around.cwd }),
  });
  const entry = checkOnDisk(resolved);
  return {
    ...resolved,
    file: null,
    position: 0,
    logFiles: [],
    warnings: [...oddVariables(around.env), ...selfClusteringWarnings(entry)],
    fileWarnings: [],
    reread: async () => loadGiven(given, around),
  };
}

/** A configuration file may stand where a program stands. */
function withConfigFile(request: AppRequest): AppRequest {
  const { entry, configPath } = request;
  if (entry === undefined || configPath !== null || !isConfigFile(entry)) return request;
  return { ...request, entry: undefined, configPath: entry };
}

/** A request whose configuration file has been looked for. */
type Located = AppRequest & Pick<ConfigPlace, 'refused'>;

/** The configuration file that a request means. */
export function placeOf({ configPath }: Pick<AppRequest, 'configPath'>, { cwd, env }: Surroundings): ConfigPlace {
  return configPlace(cwd, configPath ?? (env.TUTTI_CONFIG || null));
}

function loadOne(file: LoadedFile | null, index: number, request: Located, around: Surroundings): LoadedApp {
  const noSuch = unknownToPm2(file, request);
  const typed = throughPackage({ ...request, entry: entryOverride(file, request) }, around.cwd);
  const layers: Layer[] = [flagLayer(typed.flags, typed, around.cwd), environmentLayer(around.env, around.cwd)];
  if (file !== null) layers.push(fileLayer(file, index, around.cwd));
  layers.push(...platformLayers(around));
  const context: ResolveContext = {
    layers,
    cwd: around.cwd,
    fileFolder: file === null ? null : dirname(file.path),
    limits: around.limits,
    node: around.node,
    orphan: request.orphan,
    alone: file === null || !file.isList,
    otherEnvironments: [...environmentsOf(file), ...(noSuch === null ? [] : [noSuch])],
    missingEntry: () =>
      file === null
        ? (request.refused ?? new TuttiError('ERR_CONFIG_MISSING', { folder: around.cwd }))
        : new TuttiError('ERR_ENTRY_REQUIRED', { path: file.path, app: appLabel(file, index) }),
  };
  const resolved = resolveIn(file, context);
  const entry = checkOnDisk(resolved);
  return {
    ...resolved,
    file: file?.path ?? null,
    position: index,
    logFiles: file === null ? [] : logFilesOf(file),
    warnings: [
      ...oddVariables(around.env),
      ...(request.refused === null ? [] : [`${request.refused.message} ${request.refused.remedy}`]),
      ...(file === null ? [] : lostOf(file, index)),
      ...typed.warnings,
      ...(noSuch === null ? [] : [`no app of the file has env_${noSuch}: --env-name ${noSuch} changes nothing`]),
      ...selfClusteringWarnings(entry),
    ],
    fileWarnings: file === null || index > 0 ? [] : lostOfNone(file),
    reread: () => loadApp({ ...request, configPath: file?.path ?? 'none' }, around),
  };
}

function platformLayers({ env, cwd }: Surroundings): Layer[] {
  const layer = platformLayer(env, cwd);
  return layer === null ? [] : [layer];
}

function oddVariables(env: Surroundings['env']): string[] {
  return [...misspeltVariables(env), ...unusableConcurrency(env)];
}

function logFilesOf({ apps, path }: LoadedFile): string[] {
  const named = apps.map(({ logFile }) => logFile).filter((file) => typeof file === 'string');
  return named.map((file) => resolve(dirname(path), file));
}

function resolveIn(file: LoadedFile | null, context: ResolveContext): Resolved {
  const problems = [...(file?.problems ?? [])];
  let resolved: Resolved | null = null;
  try {
    resolved = resolveConfig(context);
  } catch (error) {
    if (problems.length === 0 || !isInvalid(error)) throw error;
    problems.push(...error.details.problems);
  }
  if (resolved === null || problems.length > 0) throw new TuttiError('ERR_CONFIG_INVALID', { problems });
  return resolved;
}

/** What a file of PM2 says of this app in vain. */
function lostOf(file: LoadedFile, index: number): string[] {
  const name = nameOf(file.apps[index] ?? {}, file, index);
  return file.lost.filter(({ app }) => app === name).map((lost) => lostLine(file, lost, ''));
}

/** What it says in vain of itself and of apps that none is left of: the first one that runs tells it. */
function lostOfNone(file: LoadedFile): string[] {
  const names = file.apps.map((app, at) => nameOf(app, file, at));
  return file.lost
    .filter(({ app }) => app === null || !names.includes(app))
    .map((lost) => lostLine(file, lost, lost.app === null ? '' : ` of ${lost.app}`));
}

function lostLine(file: LoadedFile, { key, why }: LoadedFile['lost'][number], of: string): string {
  return `"${key}"${of} in ${basename(file.path)}: ${why}`;
}

function fileLayer(file: LoadedFile, index: number, cwd: string): Layer {
  const { $schema: _, ...values } = file.apps[index] ?? {};
  const shown = relative(cwd, file.path);
  const name = shown.startsWith('..') ? file.path : shown;
  const inList = file.isList ? `apps[${index}].` : '';
  return objectLayer('file', values, (key) => `${name}: ${inList}${key}`, dirname(file.path));
}

/** With several apps, what stands where an entry stands may be the name of one, and --name chooses instead of naming. */
function choose(file: LoadedFile, request: AppRequest, around: Surroundings): number {
  const names = file.apps.map((app, index) => nameOf(app, file, index));
  const byName = Array.isArray(request.flags.name) ? request.flags.name.at(-1) : undefined;
  const asked = byName ?? request.entry;
  const lost = names.includes(asked ?? '') ? undefined : file.lost.find(({ app }) => app !== null && app === asked);
  if (lost !== undefined && asked !== undefined) {
    throw new TuttiError('ERR_APP_LEFT_OUT', { path: file.path, asked, key: lost.key, why: lost.why });
  }
  if (file.apps.length === 1) return 0;
  if (asked === undefined) {
    throw new TuttiError('ERR_APP_CHOICE', { path: file.path, names, asked: null, command: request.command });
  }
  const path = resolve(around.cwd, asked);
  const found = names.includes(asked)
    ? names.indexOf(asked)
    : file.apps.findIndex(({ entry }) => typeof entry === 'string' && resolve(dirname(file.path), entry) === path);
  if (found === -1) throw new TuttiError('ERR_APP_CHOICE', { path: file.path, names, asked, command: request.command });
  return found;
}

function environmentsOf(file: LoadedFile | null): string[] {
  return (file?.apps ?? []).flatMap(({ envs }) => Object.keys(envs ?? {}));
}

/** Deploy scripts name an environment for every file; PM2 warns where a file has none of that name, and goes on. */
function unknownToPm2(file: LoadedFile | null, { flags }: AppRequest): string | null {
  const name = Array.isArray(flags.envName) ? flags.envName.at(-1) : undefined;
  return file?.isPm2 === true && name !== undefined && !environmentsOf(file).includes(name) ? name : null;
}

function entryOverride(file: LoadedFile | null, request: AppRequest): string | undefined {
  return file !== null && file.apps.length > 1 ? undefined : request.entry;
}

function nameOf(app: Record<string, unknown>, file: LoadedFile, index: number): string {
  if (typeof app.name === 'string') return app.name;
  return typeof app.entry === 'string' ? basename(app.entry, extname(app.entry)) : appLabel(file, index);
}

function appLabel(file: LoadedFile, index: number): string {
  return file.isList ? `apps[${index}]` : 'the app';
}

function refuseDoubleNames(file: LoadedFile, loaded: readonly LoadedApp[]): void {
  const problems: Problem[] = loaded.flatMap(({ config }, index) => {
    const first = loaded.findIndex((other) => other.config.name === config.name);
    if (first === index) return [];
    const message = `must differ from that of apps[${first}], got "${config.name}" twice.`;
    return [{ source: `${file.path}: apps[${index}].name`, message }];
  });
  if (problems.length > 0) throw new TuttiError('ERR_CONFIG_INVALID', { problems });
}

/** What can be known to fail before anything is started. Answers the program's real path. */
function checkOnDisk({ config, sources }: Resolved): string {
  const { cwd, node } = config;
  try {
    if (!statSync(cwd).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    accessSync(cwd, constants.X_OK);
  } catch (error) {
    throw new TuttiError('ERR_CWD_INVALID', { path: cwd, source: place(sources, 'cwd'), reason: reasonOf(error) });
  }
  try {
    accessSync(node, constants.X_OK);
    if (!statSync(node).isFile()) throw Object.assign(new Error('not a file'), { code: 'EISDIR' });
  } catch (error) {
    throw new TuttiError('ERR_NODE_INVALID', { path: node, source: place(sources, 'node'), reason: reasonOf(error) });
  }
  return resolveEntry(config.entry);
}

function place(sources: Resolved['sources'], key: keyof Config): string {
  const source = sources[key];
  return source === undefined || source === 'default' ? key : source;
}
