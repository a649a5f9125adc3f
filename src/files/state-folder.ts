// Where the control sockets, tokens, launch records and logs of all apps live. Whoever asks for a place in it gets it only if nobody but
// this user can change what is there. Used by the primary and by the CLI.

import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import process from 'node:process';
import { TuttiError } from '../errors.ts';
import { folderProblem, makeFolder, namesIn } from './ownership.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The longest path that the kernel takes for a unix socket (Linux 108, BSD and macOS 104, both with a final zero). */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** What tutti makes in a state folder. */
const subFolders = ['run', 'apps', 'logs', 'incidents', 'inspections', 'compiled', 'workers', 'boot'];

/** Those that were found well in this process: only this user can have changed them since. */
const trusted = new Set<string>();

/**
 * The state folders in the order in which they are tried. Two without TUTTI_HOME, because $XDG_RUNTIME_DIR disappears when
 * the user's last session ends while an app in the background lives on: the CLI looks into both. Throws a TuttiError if none can be used.
 */
export function stateFolders(env: Environment): string[] {
  const session = env.TUTTI_HOME || !env.XDG_RUNTIME_DIR ? null : join(env.XDG_RUNTIME_DIR, 'tutti');
  // It may be that of another user, inherited through su or sudo, and was not asked for.
  if (session === null || problemOf(session) !== null) return [lastingFolder(env)];
  try {
    return [session, lastingFolder(env)];
  } catch {
    // No home, or not ours; what needs it says so.
    return [session];
  }
}

/** For what has to outlive a session and a reboot: launch records and log files. Throws a TuttiError if it cannot be used. */
export function lastingFolder(env: Environment): string {
  const folder = env.TUTTI_HOME || join(homeOf(env), '.tutti');
  const problem = problemOf(folder);
  if (problem !== null) throw new TuttiError('ERR_STATE_FOLDER', { path: folder, reason: problem });
  return folder;
}

/** Null where there is no state folder to use: an app in the foreground runs without. */
export function orNone<T>(place: () => T): T | null {
  try {
    return place();
  } catch (error) {
    if (error instanceof TuttiError) return null;
    throw error;
  }
}

/** The names in a folder of a state folder; none where it was never made. Throws a TuttiError where this user may not look into it. */
export function namesInState(folder: string): string[] {
  try {
    return namesIn(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new TuttiError('ERR_STATE_FOLDER', { path: folder, reason: `this user cannot look into it (${code})` });
  }
}

function problemOf(folder: string): string | null {
  if (trusted.has(folder)) return null;
  const own = folderProblem(folder, { asLink: true });
  if (own !== null) return own;
  for (const name of subFolders) {
    const problem = folderProblem(join(folder, name), { asLink: false });
    if (problem !== null) return `its folder "${name}": ${problem}`;
  }
  if (existsSync(folder)) trusted.add(folder);
  return null;
}

function homeOf({ HOME = '' }: Environment): string {
  if (isAbsolute(HOME)) return HOME;
  try {
    // As the system's list of users has it.
    const { homedir } = userInfo();
    if (isAbsolute(homedir)) return homedir;
  } catch {
    // The user's number is not in that list.
  }
  throw new TuttiError('ERR_STATE_FOLDER', {
    path: '~/.tutti',
    reason: `user ${process.getuid?.() ?? ''} has no home, and neither TUTTI_HOME nor HOME says where one is`,
  });
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

/** Which apps a boot is to bring back. */
export function savedListPath(env: Environment): string {
  return join(lastingFolder(env), 'boot', 'saved.json');
}

/** Which processes the workers of each running app are, for when its supervisor is killed. */
export function rosterFolder(env: Environment): string {
  return join(lastingFolder(env), 'workers');
}

/** Why `path` cannot be a unix socket's address, or null. */
export function socketPathProblem(path: string): string | null {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return null;
  return `its path has ${bytes} bytes and the system allows ${MAX_SOCKET_PATH_BYTES}: set TUTTI_HOME to a shorter folder`;
}

/**
 * Makes a folder of a state folder that only this user may enter; what is there stays as it is. Throws if somebody else could put his own
 * files there. The state folder itself is looked at once more, because somebody may have made it in the meantime.
 */
export function ensurePrivateFolder(folder: string): void {
  makeFolder(folder);
  const state = dirname(folder);
  const problems = [
    [state, folderProblem(state, { asLink: true })],
    [folder, folderProblem(folder, { asLink: false })],
  ] as const;
  for (const [path, problem] of problems) if (problem !== null) throw new Error(`${path}: ${problem}`);
}
