// Starts the supervisor of one app in a session of its own and waits until it is ready or has failed. Runs in the CLI; the other
// end is background.ts.

import { type Serializable, spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, lstatSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SupervisorCommand } from '../../app/launch-options.ts';
import { callForPorts, type StartAnswer } from '../../app/orphans/call.ts';
import { hasServingOrphans } from '../../app/orphans/orphans.ts';
import { type ErrorCode, type ErrorDetails, messageOf, TuttiError } from '../../errors.ts';
import { openOwn } from '../../files/ownership.ts';
import { appPaths, ensurePrivateFolder } from '../../files/state-folder.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import type { LaunchRecord } from '../shared/launch-record.ts';
import { supervisorCommand } from '../shared/supervisor-command.ts';

/** What the process in the background says to the one that started it. */
export type BootReport =
  | ({ type: 'ready'; snapshot: Snapshot; logFile: string } & Asides)
  | { type: 'failed'; code: ErrorCode; details: unknown }
  /** It takes a while; one of the others follows. */
  | { type: 'awaits'; text: string };

export interface Asides {
  /** Where the page and the admin API are, if they were asked for and can be had. */
  page: string | null;
  /** What was asked for and cannot be had. */
  problems: readonly string[];
  /** What is worth knowing. */
  warnings: readonly string[];
}

export interface Started extends Asides {
  name: string;
  pid: number;
  log: string;
  snapshot: Snapshot;
}

/** The supervisor's own lines are few; from this size on a start begins a new file and keeps one old. */
const MAX_OWN_LOG_BYTES = 1024 * 1024;
const MAX_TAIL_BYTES = 16 * 1024;
const MAX_TAIL_LINES = 20;

/** Rejects with the TuttiError that the supervisor ended with. */
export async function launchInBackground(
  record: LaunchRecord,
  env: Readonly<Record<string, string | undefined>>,
  tellAwaited: (text: string) => void,
): Promise<Started> {
  const paths = appPaths(env, record.name);
  const command = supervisorCommand(record, env);
  const [out, err] = openLogs(record.name, paths);
  const before = fstatSync(err).size;
  try {
    const beside = hasServingOrphans(env, record.name) ? await callForPorts(command, record.name, env) : null;
    const end = beside ?? (await spawnSupervisor(command, env, { out, err, tellAwaited }));
    if (end.type === 'exit') {
      const { how } = end;
      throw new TuttiError('ERR_BACKGROUND_LOST', { name: record.name, how, lastLines: tail(err, before) });
    }
    // It is told by the program that this one has named.
    const said = end.message as Exclude<BootReport, { type: 'awaits' }>;
    if (said.type === 'failed') {
      // The pair of code and details is the one that the other process made.
      throw new TuttiError(said.code, said.details as ErrorDetails<ErrorCode>);
    }
    const { logFile, snapshot, page, problems, warnings } = said;
    return { name: record.name, pid: end.pid, log: logFile, snapshot, page, problems, warnings };
  } finally {
    closeSync(out);
    closeSync(err);
  }
}

async function spawnSupervisor(
  { node, args, cwd, record }: SupervisorCommand,
  env: Readonly<Record<string, string | undefined>>,
  { out, err, tellAwaited }: { out: number; err: number; tellAwaited: (text: string) => void },
): Promise<StartAnswer> {
  const launched = spawn(node, args, { cwd, env, detached: true, stdio: ['ignore', out, err, 'ipc'] });
  const end = new Promise<StartAnswer>((resolve, reject) => {
    launched.on('message', (message: BootReport) => {
      if (message.type === 'awaits') tellAwaited(message.text);
      else resolve({ type: 'report', pid: launched.pid ?? 0, message });
    });
    launched.on('error', reject);
    launched.on('exit', (code, signal) => resolve({ type: 'exit', how: signal ?? `exit code ${code}` }));
  });
  // Without a process there is nobody to tell, and the end is its error.
  if (launched.connected) launched.send(record as Serializable);
  const answer = await end;
  if (launched.connected) launched.disconnect();
  launched.unref();
  return answer;
}

function openLogs(name: string, { log, out, err }: { log: string; out: string; err: string }): [number, number] {
  try {
    ensurePrivateFolder(dirname(out));
    if (lstatSync(log, { throwIfNoEntry: false })?.isSymbolicLink()) throw new Error(`${log} is a symbolic link`);
    return [openLog(out), openLog(err)];
  } catch (error) {
    throw new TuttiError('ERR_NO_CONTROL', { name, reason: messageOf(error) });
  }
}

function openLog(path: string): number {
  const flags = constants.O_RDWR | constants.O_APPEND;
  const file = openOwn(path, flags);
  if (fstatSync(file).size <= MAX_OWN_LOG_BYTES) return file;
  closeSync(file);
  renameSync(path, `${path}.1`);
  return openOwn(path, flags);
}

/** The last lines that were written since `from`. */
function tail(file: number, from: number): string[] {
  const size = fstatSync(file).size;
  const start = Math.max(from, size - MAX_TAIL_BYTES);
  const buffer = Buffer.alloc(Math.max(0, size - start));
  readSync(file, buffer, 0, buffer.length, start);
  return buffer
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .slice(-MAX_TAIL_LINES);
}
