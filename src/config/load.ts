// Finds the configuration file and reads what it exports. JSON is read here; everything else in a short-lived process
// (evaluate.ts), so that the primary keeps none of it in memory. Runs in the primary and in commands.

import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, type Problem, TuttiError } from '../errors.ts';
import { foreignHand } from '../files/ownership.ts';
import { opensNoPort } from './entry/opens-no-port.ts';
import { packageScript } from './entry/package-script.ts';
import type { Evaluated } from './evaluate.ts';
import type { AppOptions } from './options.ts';
import type { Imported } from './pm2.ts';
import type { ScriptReader } from './pm2-script.ts';
import { show } from './resolve.ts';

/** In this order: the first that exists is used. */
export const configFileNames = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'yaml', 'yml'].map(
  (end) => `tutti.config.${end}`,
);

/** A configuration that takes longer does not end. */
const evaluateTimeoutMs = 30_000;

export interface LoadedFile {
  path: string;
  apps: Record<string, unknown>[];
  /** False: the file exports the one app itself. */
  isList: boolean;
  /** An ecosystem file of PM2. */
  isPm2: boolean;
  /** Of a file of PM2: what could not be carried over. */
  lost: Imported['lost'];
  /** What is wrong with the file beside its apps; told together with what is wrong with those. */
  problems: readonly Problem[];
}

/** Whether a word that stands where a program could is a configuration file, tutti's or PM2's. */
export function isConfigFile(word: string): boolean {
  return /(^|[/\\])[^/\\]*\.config\.[cm]?[jt]s$|\.(json|ya?ml)$/.test(word);
}

/** `asked` is what --config says: a path, `none`, or nothing. Answers null when there is no file to use. */
export function findConfigFile(folder: string, asked: string | null): string | null {
  if (asked === 'none') return null;
  if (asked !== null) {
    const path = resolve(folder, asked);
    if (!existsSync(path)) throw new TuttiError('ERR_CONFIG_NOT_FOUND', { path });
    if (!statSync(path).isDirectory()) return path;
    const inside = findConfigFile(path, null);
    if (inside === null) throw new TuttiError('ERR_CONFIG_NOT_FOUND', { path: join(path, 'tutti.config.ts') });
    return inside;
  }
  return configFileNames.map((name) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

export interface ConfigPlace {
  path: string | null;
  /** Why the file that was found is not used, if so. One that was named is used, whoever wrote it. */
  refused: TuttiError | null;
}

/** As findConfigFile(), for who means to run the file. */
export function configPlace(folder: string, asked: string | null): ConfigPlace {
  const path = findConfigFile(folder, asked);
  const refused = path === null || asked !== null ? null : distrust(path);
  return refused === null ? { path, refused } : { path: null, refused };
}

/** Null: nobody but this user and root can have written it. */
export function distrust(path: string): TuttiError | null {
  const why = foreignHand(path);
  return why === null ? null : new TuttiError('ERR_CONFIG_FOREIGN', { path, why });
}

export async function loadConfigFile(path: string): Promise<LoadedFile> {
  const { value, added } = await readable(path);
  const { looksLikePm2, importPm2 } = await import('./pm2.ts');
  if (looksLikePm2(value)) {
    const { apps, lost } = importPm2(value, added, scriptsBeside(path));
    if (apps.length === 0) throw nothingLeft(path, lost);
    const jobs = apps.map((app) => asJob(app, path));
    const noted = jobs.flatMap((app, at) =>
      app === apps[at] ? [] : [{ app: app.name ?? null, key: 'script', why: isJob }],
    );
    return {
      path,
      apps: jobs.map((app) => ({ ...app })),
      isList: true,
      isPm2: true,
      lost: [...lost, ...noted],
      problems: [],
    };
  }
  if (!isObject(value)) throw new TuttiError('ERR_CONFIG_EMPTY', { path, got: show(value) });
  if (!('apps' in value)) return { path, apps: [value], isList: false, isPm2: false, lost: [], problems: [] };
  const { apps, ...rest } = value;
  if (!Array.isArray(apps) || apps.length === 0 || !apps.every(isObject)) {
    throw new TuttiError('ERR_CONFIG_EMPTY', { path, got: `{ apps: ${show(apps)} }` });
  }
  const strays = Object.keys(rest).filter((key) => key !== '$schema');
  const message = 'must stand inside an app, because the file has a list of apps.';
  const problems = strays.map((key) => ({ source: `${path}: ${key}`, message }));
  return { path, apps, isList: true, isPm2: false, lost: [], problems };
}

/** The apps of an ecosystem file of PM2. Throws a TuttiError for any other file. */
export async function loadPm2File(path: string): Promise<Imported> {
  const { value, added } = await readable(path);
  const { looksLikePm2, importPm2 } = await import('./pm2.ts');
  if (!looksLikePm2(value)) throw new TuttiError('ERR_IMPORT_FOREIGN', { path, got: show(value) });
  const imported = importPm2(value, {}, scriptsBeside(path));
  if (imported.apps.length === 0) throw nothingLeft(path, imported.lost);
  imported.apps = imported.apps.map((app) => asJob(app, path));
  const names = Object.keys(added);
  if (names.length === 0) return imported;
  // Their values may be secrets, which a file that is kept with the source must not hold.
  const why = `the file puts ${names.join(', ')} into the environment of its apps: name the file that they come from in envFile`;
  return { ...imported, lost: [...imported.lost, { app: null, key: 'process.env', why }] };
}

/** An app's folder is relative to that of the file. */
function scriptsBeside(path: string): ScriptReader {
  return (words, cwd) => packageScript(words, resolve(dirname(path), cwd));
}

const isJob = 'it opens no port, as far as its files tell, so it is ready when it has started (ready: "started")';

/** PM2 takes any process for ready. Here a program that serves nothing must say so, and where it can be known it is said for it. */
function asJob(app: AppOptions, path: string): AppOptions {
  const isKnown = app.ready !== undefined || app.entry === undefined;
  return isKnown || !opensNoPort(resolve(dirname(path), app.entry ?? '')) ? app : { ...app, ready: 'started' };
}

function nothingLeft(path: string, lost: Imported['lost']): TuttiError {
  const problems = lost.map(({ app, key, why }) => ({
    source: `${path}: ${app === null ? '' : `${app}: `}${key}`,
    message: `cannot be used: ${why}.`,
  }));
  return new TuttiError('ERR_CONFIG_INVALID', { problems });
}

interface Read {
  value: unknown;
  added: Record<string, string>;
}

async function readable(path: string): Promise<Read> {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new TuttiError('ERR_CONFIG_UNREADABLE', { path, reason: reasonOf(error) }, { cause: error });
  }
  return read(path);
}

async function read(path: string): Promise<Read> {
  try {
    if (extname(path) === '.json') return { value: await parseJson(readFileSync(path, 'utf8')), added: {} };
    if (['.yaml', '.yml'].includes(extname(path))) {
      const { parse } = await import('yaml');
      return { value: parse(readFileSync(path, 'utf8')), added: {} };
    }
  } catch (error) {
    const [line] = String(error).split('\n', 1);
    throw new TuttiError('ERR_CONFIG_FAILED', { path, reason: `${line}` }, { cause: error });
  }
  const result = await evaluateElsewhere(path);
  if ('error' in result) throw new TuttiError('ERR_CONFIG_FAILED', { path, reason: result.error });
  return result;
}

/** With comments, trailing commas and a byte order mark, as PM2's process.json files have them. */
async function parseJson(text: string): Promise<unknown> {
  const json = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(json);
  } catch {
    const { default: JSON5 } = await import('json5');
    return JSON5.parse(json);
  }
}

function evaluateElsewhere(path: string): Promise<Evaluated> {
  const program = fileURLToPath(new URL('./evaluate.js', import.meta.url));
  const nodeArgs = ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];
  return new Promise((settle) => {
    const evaluator = spawn(process.execPath, [...nodeArgs, program, path], {
      stdio: ['ignore', 2, 2, 'pipe'],
      timeout: evaluateTimeoutMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    evaluator.stdio[3]?.on('data', (chunk: Buffer) => {
      output += chunk.toString('latin1');
    });
    evaluator.on('error', (error) => settle({ error: error.message }));
    evaluator.on('close', (code, signal) => {
      if (output !== '') return settle(JSON.parse(Buffer.from(output, 'latin1').toString('utf8')) as Evaluated);
      // 13 is Node's own code for a top-level await that nothing can settle any more.
      const end =
        signal === null ? `it ended with exit code ${code}` : `it had not ended after ${evaluateTimeoutMs / 1000} s`;
      settle({
        error: code === 13 ? 'it waits for something that never happens' : `${end}, before it had exported anything`,
      });
    });
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words: Record<string, string> = {
    EACCES: 'permission denied (EACCES)',
    ENOENT: 'there is no such file (ENOENT)',
    EISDIR: 'it is a folder (EISDIR)',
    ENOTDIR: 'it is not a folder (ENOTDIR)',
  };
  return words[code] ?? messageOf(error);
}
