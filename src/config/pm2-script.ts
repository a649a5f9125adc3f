// Which Node.js program an app of a PM2 ecosystem file means, however it says so. Pure but for what it is given to read package.json.

import { basename, extname } from 'node:path';
import { appNameFrom } from '../files/app-name.ts';
import { launchers } from './entry/foreign-program.ts';
import { asksPackageManager, isLoader, type PackageScript } from './entry/package-script.ts';

export type Value = unknown;
export type Pm2App = Record<string, Value>;
/** In the file's order. `app` is its name; null: the file as a whole. */
export type Lost = { app: string | null; key: string; why: string }[];

/** Of the words of a package manager and the folder of an app. */
export type ScriptReader = (words: readonly string[], cwd: string) => PackageScript;

/** The app with its program as `script` and `args`; null: it has none for Node.js and is left out, which `lost` says. */
export function nodeProgramOf(app: Pm2App, scriptOf: ScriptReader | null, lost: Lost): Pm2App | null {
  const own = withoutPackageManager(app, scriptOf, lost);
  return own === null ? null : ifForNode(withoutNodeAsScript(own), lost);
}

/** `script: 'npm', args: 'start'`, or all of it in `script`, means the program that the script runs. What cannot be told stays as it is. */
function withoutPackageManager(app: Pm2App, scriptOf: ScriptReader | null, lost: Lost): Pm2App | null {
  const words = commandLine(app);
  if (scriptOf === null || !asksPackageManager(words)) return app;
  const found = scriptOf(words, typeof app.cwd === 'string' ? app.cwd : '.');
  if ('why' in found) return leaveOut(app, 'script', found.why, lost);
  const { entry, args, nodeArgs, env, warnings } = found.program;
  const name = app.name ?? words[0];
  for (const why of warnings) lost.push({ app: nameOf({ ...app, name }), key: 'script', why });
  const { exec: _exec, interpreter: _interpreter, exec_interpreter: _, ...rest } = app;
  return {
    ...rest,
    name,
    script: entry,
    args: [...args],
    ...(nodeArgs.length > 0 && { node_args: [...(app.node_args == null ? [] : list(app.node_args)), ...nodeArgs] }),
    env: { ...env, ...variables(app.env ?? {}) },
  };
}

function commandLine(app: Pm2App): string[] {
  return [...list(app.script ?? app.exec ?? ''), ...(app.args == null ? [] : list(app.args))];
}

/** `script: 'node', args: 'server.js --port 80'`, or all of it in `script`, means what node would do with that command line. */
function withoutNodeAsScript(app: Pm2App): Pm2App {
  const key = app.script === undefined ? 'exec' : 'script';
  const [command = '', ...inScript] = list(app[key] ?? '');
  const words = [...inScript, ...(app.args == null ? [] : list(app.args))];
  if (!isNode(command) && !(inScript.length > 0 && isLoader(basename(command)))) return app;
  const at = words.findIndex((word) => !word.startsWith('-'));
  const entry = words[at];
  if (entry === undefined) return app;
  const flags = words.slice(0, at);
  const name = app.name ?? basename(entry, extname(entry));
  const nodeArgs = [...(app.node_args == null ? [] : list(app.node_args)), ...flags];
  const { exec: _exec, interpreter: _interpreter, ...rest } = app;
  return {
    ...rest,
    name,
    script: entry,
    args: words.slice(at + 1),
    ...(nodeArgs.length > 0 && { node_args: nodeArgs }),
  };
}

/** What another interpreter runs must not be handed to Node.js: such an app is left out as a whole. */
function ifForNode(app: Pm2App, lost: Lost): Pm2App | null {
  const key = app.interpreter === undefined ? 'exec_interpreter' : 'interpreter';
  const path = String(app[key] ?? 'node');
  const command = String(app.script ?? app.exec ?? '');
  const [first = ''] = command.split(/\s/, 1);
  if (launchers.has(first)) {
    return leaveOut(app, 'script', `${first} only starts another program: name the one that its script runs`, lost);
  }
  if (/\s/.test(command) && !/\.[cm]?[jt]sx?$/.test(command)) {
    return leaveOut(
      app,
      'script',
      'a command line of a shell is not run: `script` names a file, `args` its arguments',
      lost,
    );
  }
  // PM2 chooses the interpreter by the ending, if the app names none.
  if (app[key] === undefined && foreignEnding.test(command)) {
    return leaveOut(app, 'script', `only Node.js programs are run, and ${basename(command)} is none`, lost);
  }
  if (isNode(path) || isLoader(basename(path))) return app;
  return leaveOut(app, key, `only Node.js programs are run, not those of ${path}`, lost);
}

const foreignEnding = /\.(sh|bash|zsh|py|rb|php|pl|lua|r|go|jar|exe|bat|cmd|ps1)$/i;

export function isNode(path: string): boolean {
  return /(^|[/\\])node(js)?(\.exe)?$/.test(path);
}

export function nameOf(app: Pm2App): string {
  const script = String(app.script ?? app.exec ?? '?');
  return appNameFrom(typeof app.name === 'string' ? app.name : basename(script, extname(script)));
}

function leaveOut(app: Pm2App, key: string, why: string, lost: Lost): null {
  lost.push({ app: nameOf(app), key, why: `${why}; this app is left out` });
  return null;
}

/** A list, or a command line whose quotes keep words together. */
export function list(value: Value): string[] {
  if (Array.isArray(value)) return value.map(String);
  return [...String(value).matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  );
}

/** Objects in an environment are passed on as JSON, as PM2 does. */
export function variables(value: Value): Record<string, string> {
  if (!isObject(value)) return {};
  const entries = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(
    entries.map(([key, one]) => [key, typeof one === 'object' ? JSON.stringify(one) : String(one)]),
  );
}

export function isObject(value: Value): value is Pm2App {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** PM2: "max" and 0 are all CPUs, a negative number leaves that many free, never below one. What is no number is 1. */
export function pm2Workers(value: Value): number | string {
  if (value === 'max') return 'max';
  const count = Number(value);
  if (!Number.isInteger(count)) return 1;
  return count > 0 ? count : count === 0 ? 'max' : `max-${-count}`;
}
