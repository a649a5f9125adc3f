// Reads a PM2 ecosystem file's apps as tutti's: what can be carried over, and what could not and why. Pure.

import { isAbsolute, join } from 'node:path';
import { appNameFrom } from '../files/app-name.ts';
import type { AppOptions } from './options.ts';
import {
  isNode,
  isObject,
  type Lost,
  list,
  nameOf,
  nodeProgramOf,
  pm2Workers,
  type ScriptReader,
  type Value,
  variables,
} from './pm2-script.ts';

export interface Imported {
  apps: AppOptions[];
  lost: Lost;
}

type Take = (value: Value, app: Record<string, Value>, lose: (why: string) => void) => Partial<AppOptions>;

/** True for an object as PM2's files export it: `{ apps: [...] }` whose apps name a script. */
export function looksLikePm2(value: Value): boolean {
  return appsOf(value).some((app) => isObject(app) && !('entry' in app) && ('script' in app || 'exec' in app));
}

/**
 * `added`: what evaluating the file has put into its environment, which PM2 hands on to every app (`require('dotenv').config()`).
 * `scriptOf`: reads package.json, for apps that are `npm start`.
 */
export function importPm2(
  file: Value,
  added: Readonly<Record<string, string>> = {},
  scriptOf: ScriptReader | null = null,
): Imported {
  const lost: Lost = [];
  if (isObject(file) && 'deploy' in file)
    lost.push({
      app: null,
      key: 'deploy',
      why: 'tutti deploys nothing; releases in folders behind a symlink are pinned by every reload',
    });
  const apps = appsOf(file)
    .filter(isObject)
    .map((app) => nodeProgramOf(app, scriptOf, lost))
    .filter((app) => app !== null)
    .map((app) => importApp(app, lost))
    .map((app) => (Object.keys(added).length === 0 ? app : { ...app, env: { ...added, ...app.env } }));
  return { apps, lost };
}

function appsOf(file: Value): unknown[] {
  if (Array.isArray(file)) return file;
  return isObject(file) && Array.isArray(file.apps) ? file.apps : [file];
}

function importApp(app: Record<string, Value>, lost: Lost): AppOptions {
  const options: AppOptions = {};
  const name = nameOf(app);
  for (const [key, value] of Object.entries(app)) {
    const lose = (why: string): void => {
      lost.push({ app: name, key, why });
    };
    if (value === null || value === undefined) continue;
    const environment = /^env_(.+)$/.exec(key);
    if (environment && !Object.hasOwn(taken, key))
      options.envs = { ...options.envs, [environment[1] as string]: variables(value) };
    else if (Object.hasOwn(taken, key)) Object.assign(options, taken[key]?.(value, app, lose));
    else if (Object.hasOwn(refused, key)) {
      if (value !== false) lose(refused[key] as string);
    } else lose('tutti does not know this key');
  }
  // PM2 stops an app by SIGINT unless told otherwise, and one process is its default.
  options.stopSignal ??= 'SIGINT';
  options.workers ??= 1;
  return options;
}

const text: (key: keyof AppOptions) => Take = (key) => (value) => ({ [key]: String(value) });
const milliseconds: (key: keyof AppOptions) => Take = (key) => (value) => ({ [key]: duration(value) });
/** PM2 looks for these in the app's own folder; a configuration file of tutti is read from where it stands. */
const path: (key: keyof AppOptions) => Take = (key) => (value, app) => ({ [key]: inFolder(app, String(value)) });
const words: (key: keyof AppOptions) => Take = (key) => (value) => ({ [key]: list(value) });

const taken: Record<string, Take> = {
  name: (value, _app, lose) => {
    const name = appNameFrom(String(value));
    if (name !== value) lose(`a name holds letters, digits, dots, dashes and underscores: it becomes ${name}`);
    return { name };
  },
  script: path('entry'),
  exec: path('entry'),
  args: words('args'),
  cwd: text('cwd'),
  node_args: words('nodeArgs'),
  interpreter_args: words('nodeArgs'),
  interpreter: interpreter,
  exec_interpreter: interpreter,
  instances: (value) => ({ workers: pm2Workers(value) }),
  exec_mode: () => ({}), // tutti has one way, and one worker of it is PM2's fork mode
  instance_var: text('instanceVar'),
  increment_var: text('incrementVar'),
  port: (value, app) => ({ env: { ...variables(app.env ?? {}), PORT: String(value) } }),
  env: (value, app) => ({ env: { ...variables(value), ...(app.port !== undefined && { PORT: String(app.port) }) } }),
  env_file: (value, app) => ({ envFile: list(value).map((one) => inFolder(app, one)) }),
  filter_env: (value) => {
    if (value === true) return { dropEnv: ['*'] };
    // PM2 compares beginnings.
    return Array.isArray(value) || typeof value === 'string' ? { dropEnv: list(value).map((name) => `${name}*`) } : {};
  },
  wait_ready: (value) => (value === true ? { ready: 'message' } : {}),
  listen_timeout: milliseconds('startTimeout'),
  // PM2's one time is for requests in flight and for the program's own handler; here each has its own.
  kill_timeout: (value) => ({ drainTimeout: duration(value), stopTimeout: duration(value) }),
  shutdown_with_message: (value) => ({ shutdownMessage: value === true }),
  autorestart: (value) => (value === false ? { restart: 'never' } : {}),
  stop_exit_codes: (value) => ({ stopExitCodes: (Array.isArray(value) ? value : [value]).map(Number) }),
  exp_backoff_restart_delay: (value, _app, lose) => {
    if (value !== 0) lose('restarts always back off: from 0.5 s, doubled up to 30 s, with jitter');
    return {};
  },
  max_memory_restart: (value) => ({ maxMemory: typeof value === 'number' ? value : String(value) }),
  cron_restart: cron,
  cron: cron,
  watch: (value, app) => ({ watch: typeof value === 'boolean' ? value : list(value).map((one) => inFolder(app, one)) }),
  ignore_watch: ignoredByWatch,
  log_file: path('logFile'),
  log: path('logFile'),
  log_type: (value) => (value === 'json' ? { logFormat: 'json' } : {}),
  time: (value) => (value === true ? { logFormat: 'pretty' } : {}),
  out_file: output,
  out: output,
  output: output,
  uid: text('user'),
  user: text('user'),
  username: text('user'),
  gid: text('group'),
  error_file: output,
  error: output,
  err_file: output,
};

const refused: Record<string, string> = {
  namespace: 'there are no namespaces; name several apps in one command',
  name_prefix: 'write the whole name',
  append_env_to_name: 'write the whole name',
  force: 'an app of the same name is always refused; give the second one another name',
  autostart: 'leave the app out of the command instead: tutti start <app> …',
  max_restarts: 'tutti never gives an app up for a count; a crash loop backs off and opens a circuit',
  min_uptime: 'a worker that dies within 10 s of readiness counts as an early death',
  restart_delay: 'restarts back off by themselves',
  kill_retry_time: 'tutti waits for the exit itself and does not poll',
  treekill: 'a worker stops what it started in its own SIGTERM handler',
  watch_delay: 'changes are gathered for 300 ms',
  watch_options: 'files are watched by the kernel; there is nothing to set',
  merge_logs: 'the lines of all workers go to one file, labelled',
  combine_logs: 'the lines of all workers go to one file, labelled',
  disable_logs: 'set `logFile: "/dev/null"`',
  log_date_format: 'times are ISO 8601 in UTC',
  pid_file: 'the control socket tells the pid: tutti status <app> --json',
  source_map_support: 'set `nodeArgs: ["--enable-source-maps"]`',
  disable_source_map_support: 'source maps are off unless nodeArgs say otherwise',
  execute_command: 'only Node.js programs are run',
  install_url: 'nothing is installed by tutti',
  post_update: 'nothing is installed by tutti',
  vizion: 'no version control is read',
  pmx: 'numbers are built in: --admin',
  automation: 'numbers are built in: --admin',
  io: 'numbers are built in: --admin',
  trace: 'tracing is not built in',
  disable_trace: 'tracing is not built in',
  v8: 'numbers are built in: --admin',
  event_loop_inspector: 'numbers are built in: --admin',
  deep_monitoring: 'numbers are built in: --admin',
  windowsHide: 'there are no windows',
  write: 'there is no list to write to',
};

function interpreter(value: Value): Partial<AppOptions> {
  const path = String(value);
  return path.includes('/') && isNode(path) ? { node: path } : {};
}

function cron(value: Value, app: Record<string, Value>, lose: (why: string) => void): Partial<AppOptions> {
  if (value === '0' || value === 0) return {};
  if (app.autorestart !== false) return { cron: String(value) };
  lose('a program that has ended is not started again by a schedule: let a timer of the system start it');
  return {};
}

/** What PM2's own examples showed for years, a regular expression in a string: whatever begins with a dot. */
const DOTFILES = /^\[\\?\/\\{1,2}\]\\\.\/?$/;

function ignoredByWatch(value: Value, app: Record<string, Value>, lose: (why: string) => void): Partial<AppOptions> {
  const watchIgnore: string[] = [];
  for (const one of Array.isArray(value) ? value : list(value)) {
    if (typeof one === 'string' && DOTFILES.test(one)) watchIgnore.push(inFolder(app, '**/.*'));
    // A backslash, or a group, is in no path and in no pattern of ours; a real RegExp does not outlive the reading of the file.
    else if (typeof one !== 'string' || /\\|^\^|\$$|[(|]/.test(one)) {
      lose('a regular expression has no effect here: write a path, or a pattern with * and **');
    } else watchIgnore.push(inFolder(app, one));
  }
  return { watchIgnore };
}

function inFolder(app: Record<string, Value>, path: string): string {
  if (typeof app.cwd !== 'string' || isAbsolute(path)) return path;
  return isAbsolute(app.cwd) ? join(app.cwd, path) : `./${join(app.cwd, path)}`;
}

function output(value: Value, app: Record<string, Value>, lose: (why: string) => void): Partial<AppOptions> {
  if (app.log_file !== undefined || app.log !== undefined) {
    lose('stdout and stderr go to one file, logFile');
    return {};
  }
  const files = [app.out_file ?? app.out ?? app.output, app.error_file ?? app.error ?? app.err_file]
    .filter((file) => file !== undefined && file !== null)
    .map(String);
  // A null device switches one stream off; what goes to a file must not go with it.
  const chosen = files.find((file) => !isNull(file)) ?? '/dev/null';
  const isChosen = String(value) === chosen || (isNull(String(value)) && isNull(chosen));
  if (!isChosen) lose('stdout and stderr go to one file, logFile');
  return { logFile: chosen === '/dev/null' ? chosen : inFolder(app, chosen) };
}

function isNull(file: string): boolean {
  return file === 'NULL' || file === '/dev/null';
}

/** PM2's bare numbers are milliseconds, and so are tutti's. */
function duration(value: Value): string | number {
  return typeof value === 'number' ? value : String(value);
}
