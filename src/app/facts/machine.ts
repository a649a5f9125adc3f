// What the machine, or the container, gives a supervisor: facts for `tutti doctor`. Changes nothing but for one empty file, which it
// removes. Part of the composition, because host/ and admin/ know where to look. Runs in the CLI.

import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { TuttiError } from '../../errors.ts';
import { controlPaths, namesInState, socketPathProblem, stateFolders } from '../../files/state-folder.ts';
import { type CpuAllowance, cpuAllowance, memoryFreeBytes, memoryLimitBytes } from '../../host/machine/cgroup.ts';
import { testBinding } from '../../host/sockets/bind-socket.ts';
import { clockIsKept } from './running-process.ts';

export interface MachineFacts {
  platform: string;
  node: string;
  /** What is different in this Node, so that tutti falls back to node:cluster's own sharing; null: nothing. */
  privateParts: string | null;
  cpus: CpuAllowance;
  memory: { limitBytes: number; freeBytes: number | null } | null;
  /** How many descriptors a process may open; null where it cannot be read. */
  openFiles: number | null;
  /** How many connections the kernel holds for a busy server; null where it cannot be read. */
  backlog: number | null;
  /** Where the workers' counters can live, and whether that is memory. */
  counters: { folder: string; inMemory: boolean } | null;
  state: { folder: string; problem: string | null };
  /** In ms since the epoch. */
  now: number;
  /** Null: nobody says. */
  clockIsKept: boolean | null;
}

export function machineFacts(env: Readonly<Record<string, string | undefined>>): MachineFacts {
  const limitBytes = memoryLimitBytes();
  return {
    platform: process.platform,
    node: process.versions.node,
    privateParts: testBinding(),
    cpus: cpuAllowance(),
    memory: limitBytes === null ? null : { limitBytes, freeBytes: memoryFreeBytes() },
    openFiles: numberIn('/proc/self/limits', /^Max open files +(\d+)/m),
    backlog: numberIn('/proc/sys/net/core/somaxconn', /^(\d+)/),
    counters: counters(),
    state: state(env),
    now: Date.now(),
    clockIsKept: clockIsKept(),
  };
}

function numberIn(path: string, pattern: RegExp): number | null {
  try {
    const text = pattern.exec(readFileSync(path, 'utf8'))?.[1];
    return text === undefined ? null : Number(text);
  } catch {
    // Not Linux, or hidden from this process.
    return null;
  }
}

/** In the order in which the scoreboard tries them. */
function counters(): MachineFacts['counters'] {
  for (const [folder, inMemory] of [
    ['/dev/shm', true],
    [tmpdir(), false],
  ] as const) {
    try {
      rmdirSync(mkdtempSync(join(folder, 'tutti-doctor-')));
      return { folder, inMemory };
    } catch {
      // Not there, or not writable.
    }
  }
  return null;
}

function state(env: Readonly<Record<string, string | undefined>>): MachineFacts['state'] {
  try {
    const [folder = ''] = stateFolders(env);
    for (const name of ['run', 'apps', 'workers']) namesInState(join(folder, name));
    return { folder, problem: stateProblem(folder) };
  } catch (error) {
    if (!(error instanceof TuttiError && error.code === 'ERR_STATE_FOLDER')) throw error;
    const { path, reason } = (error as TuttiError<'ERR_STATE_FOLDER'>).details;
    return { folder: path, problem: reason };
  }
}

/** Why nothing can be made there. */
function stateProblem(folder: string): string | null {
  const tooLong = socketPathProblem(controlPaths(folder, 'a-usual-name').socket);
  if (tooLong !== null) return tooLong;
  let nearest = folder;
  while (!existsSync(nearest) && nearest !== dirname(nearest)) nearest = dirname(nearest);
  try {
    if (!statSync(nearest).isDirectory()) return `${nearest} is not a folder`;
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return null;
  } catch {
    return `${nearest} cannot be written to`;
  }
}
