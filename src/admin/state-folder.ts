// Where the control sockets, tokens, launch records and logs of all apps live. Used by the primary and by the CLI.

import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

type Environment = Readonly<Record<string, string | undefined>>;

/** The longest path that the kernel takes for a unix socket (Linux 108, BSD and macOS 104, both with a final zero). */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * The state folders in the order in which they are tried. Two without TUTTI_HOME, because $XDG_RUNTIME_DIR disappears when
 * the user's last session ends while an app in the background lives on: the CLI looks into both.
 */
export function stateFolders(env: Environment): string[] {
  if (env.TUTTI_HOME) return [env.TUTTI_HOME];
  const lasting = lastingFolder(env);
  return env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'tutti'), lasting] : [lasting];
}

/** For what has to outlive a session and a reboot: launch records and log files. */
export function lastingFolder(env: Environment): string {
  return env.TUTTI_HOME || join(env.HOME || homedir(), '.tutti');
}

export interface ControlPaths {
  folder: string;
  socket: string;
  token: string;
}

export function controlPaths(state: string, name: string): ControlPaths {
  const folder = join(state, 'run');
  return { folder, socket: join(folder, `${name}.sock`), token: join(folder, `${name}.token`) };
}

/** Profiles and heap snapshots until they are fetched. */
export function inspectionFolder(env: Environment, name: string): string {
  return join(lastingFolder(env), 'inspections', name);
}

/** What went wrong with an app, kept beyond its end. */
export function incidentFolder(env: Environment, name: string): string {
  return join(lastingFolder(env), 'incidents', name);
}

/** Where an app in the background is recorded and where its output goes. */
export function appPaths(env: Environment, name: string): { record: string; log: string; out: string; err: string } {
  const state = lastingFolder(env);
  return {
    record: join(state, 'apps', `${name}.json`),
    log: join(state, 'logs', `${name}.log`),
    out: join(state, 'logs', `${name}.out.log`),
    err: join(state, 'logs', `${name}.err.log`),
  };
}

/** Names become file names and appear in shell commands: letters, digits, `.`, `_` and `-`, at most 64, no leading sign. */
export function isAppName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);
}

/** Why `path` cannot be a unix socket's address, or null. */
export function socketPathProblem(path: string): string | null {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return null;
  return `its path has ${bytes} bytes and the system allows ${MAX_SOCKET_PATH_BYTES}: set TUTTI_HOME to a shorter folder`;
}

/**
 * Makes a folder that only this user may enter, or throws. A folder of somebody else, or a symbolic link in its place,
 * is refused: whoever owns it could put his own socket there.
 */
export function ensurePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (process.getuid === undefined) return;
  if (stats.uid !== process.getuid()) throw new Error(`${folder} belongs to user ${stats.uid}`);
  if ((stats.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}
