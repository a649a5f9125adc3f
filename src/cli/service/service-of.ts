// From what was typed to the service that is meant: the command that starts the app, who runs it, how long it may take.

import { realpathSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { surroundings } from '../../app/surroundings.ts';
import { type LoadedApp, loadApp } from '../../config/app.ts';
import { optionNames } from '../../config/layers.ts';
import { environmentVariable, options as table } from '../../config/options.ts';
import type { Scope, Service } from '../../deploy/service.ts';
import { TuttiError } from '../../errors.ts';
import { groupEntry, type UserEntry, userEntry } from '../../files/accounts.ts';
import { type LaunchRecord, launchRequest } from '../shared/launch-record.ts';
import { forTheUnit } from '../shared/service-options.ts';
import type { Terminal } from '../terminal.ts';

type Options = Readonly<Record<string, unknown>>;

/** A first start is given up when each slot has failed three times. */
const START_TRIES = 3;
const MARGIN_MS = 10_000;
const usualNodes = ['/usr/bin/node', '/usr/local/bin/node'];
/** Where systemd looks for programs. */
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const binPath = fileURLToPath(new URL('../../bin.js', import.meta.url));

export function scopeOf(options: Options): Scope {
  return options.user === true ? 'user' : 'system';
}

/** Throws a TuttiError where the app, or who is to run it, cannot be used. */
export async function serviceOf(record: LaunchRecord, options: Options, terminal: Terminal): Promise<Service> {
  const app = await loadApp(launchRequest(record), surroundings(record.cwd, terminal.env));
  const scope = scopeOf(options);
  const runner = scope === 'user' ? { user: null, group: null, isHomeless: false } : await runnerOf(options, terminal);
  const { config } = app;
  const node = stableNode();
  const { TUTTI_HOME } = terminal.env;
  // Root was named.
  const asRoot = runner.user === 'root' && !config.allowRoot && config.user === null ? ['--allow-root'] : [];
  return {
    app: record.name,
    scope,
    ...runner,
    isHomeless: runner.isHomeless && TUTTI_HOME === undefined,
    command: [node, binPath, 'run', ...asRoot, ...runArguments(record)],
    reload: [node, binPath, 'reload', record.name],
    folder: record.cwd,
    environment: {
      ...(usualPath.split(':').includes(dirname(node)) ? {} : { PATH: `${dirname(node)}:${usualPath}` }),
      ...(TUTTI_HOME === undefined ? {} : { TUTTI_HOME }),
    },
    secrets: secretsOf(record, terminal),
    sockets: socketsOf(options),
    writes: [...new Set([record.cwd, config.cwd, ...(config.logFile === null ? [] : [dirname(config.logFile)])])],
    startMs: START_TRIES * config.startTimeoutMs + MARGIN_MS,
    stopMs: stopMs(app),
  };
}

function stopMs({ config: { preStopDelayMs, drainTimeoutMs, stopTimeoutMs } }: LoadedApp): number {
  return preStopDelayMs + drainTimeoutMs + stopTimeoutMs + MARGIN_MS;
}

/** What follows `run` to mean the same app from any folder. */
export function runArguments({ entry, cwd, config, flags, args }: LaunchRecord): string[] {
  const isPath = entry !== null && (entry.includes('/') || config === 'none');
  const given = optionNames
    .filter((name) => !forTheUnit.includes(name) && name !== 'env')
    .flatMap((name) => flagOf(name, flags[name]));
  return [
    ...(entry === null ? [] : [isPath ? resolve(cwd, entry) : entry]),
    '--config',
    config,
    ...given,
    ...(args.length === 0 ? [] : ['--', ...args]),
  ];
}

function flagOf(name: (typeof optionNames)[number], value: readonly string[] | boolean | undefined): string[] {
  const { flag } = table[name];
  if (flag === null || value === undefined) return [];
  if (typeof value === 'boolean') return [value ? `--${flag}` : `--no-${flag}`];
  return value.flatMap((text) => (text.startsWith('-') || text === '' ? [`--${flag}=${text}`] : [`--${flag}`, text]));
}

/** What was named with --env, and the options that stand in variables here. Nothing else of this shell's environment. */
function secretsOf({ flags: { env } }: LaunchRecord, terminal: Terminal): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const name of optionNames) {
    const variable = environmentVariable(name);
    const value = variable === null ? undefined : terminal.env[variable];
    if (variable !== null && value) secrets[variable] = value;
  }
  for (const pair of Array.isArray(env) ? (env as readonly string[]) : []) {
    const at = pair.indexOf('=');
    if (at > 0) secrets[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return secrets;
}

/** Of the same Node.js the path that stays when its package is updated. */
function stableNode(): string {
  const same = (path: string): boolean => {
    try {
      return realpathSync(path) === realpathSync(process.execPath);
    } catch {
      return false;
    }
  };
  return usualNodes.find(same) ?? process.execPath;
}

function socketsOf({ socket }: Options): string[] {
  const sockets = Array.isArray(socket) ? socket.map(String) : [];
  const wrong = sockets.find((text) => !/^(\d{1,5}|[\w.-]+:\d{1,5}|\[[\da-fA-F:.]+\]:\d{1,5}|[/@].+)$/.test(text));
  if (wrong === undefined) return sockets;
  const message = `must be a port, an address with a port, or the path of a unix socket, got "${wrong}".`;
  throw new TuttiError('ERR_FLAGS_INVALID', { problems: [{ source: '--socket', message }] });
}

async function runnerOf(
  { runAs }: Options,
  terminal: Terminal,
): Promise<Pick<Service, 'user' | 'group' | 'isHomeless'>> {
  const [user = '', group = null] = typeof runAs === 'string' ? runAs.split(':') : [invokingUser(terminal)];
  const entry = await userEntry(user);
  if (entry === null) {
    throw new TuttiError('ERR_SERVICE_USER', {
      problem: `there is no user "${user}"`,
      hint: `Make it (sudo useradd --system --create-home ${user}), or name another: --run-as <user>`,
    });
  }
  if (group !== null && (await groupEntry(group)) === null) {
    throw new TuttiError('ERR_SERVICE_USER', {
      problem: `there is no group "${group}"`,
      hint: `Make it (sudo groupadd --system ${group}), or name another: --run-as ${user}:<group>`,
    });
  }
  // By its name: cron takes no number.
  return { user: entry.name, group, isHomeless: !ownsHome(entry) };
}

function invokingUser({ env }: Terminal): string {
  const { username, uid } = userInfo();
  const invoker = uid === 0 ? env.SUDO_USER : username;
  if (invoker !== undefined && invoker !== '' && invoker !== 'root') return invoker;
  throw new TuttiError('ERR_SERVICE_USER', {
    problem: 'it would run the application as root',
    hint: 'Say who is to run it: --run-as <user>. If it must be root: --run-as root',
  });
}

function ownsHome({ home, uid }: UserEntry): boolean {
  const stats = home === '' ? undefined : statSync(home, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === uid;
}
