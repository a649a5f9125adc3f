// Workers that a supervisor left behind when it was killed: finds them by the files of roster.ts, and ends those that do not end by
// themselves, so that the app can be started again. Part of the composition; runs in the primary of a new start and in the CLI.

import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readOwn } from '../../files/ownership.ts';
import { namesInState, orNone, rosterFolder } from '../../files/state-folder.ts';
import {
  holdsPort,
  lives,
  numberSpace,
  type ProcessIdentity,
  processStatus,
} from '../../host/process/process-identity.ts';
import type { RosterFile } from './roster.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Orphans {
  name: string;
  /** The supervisor that was killed. */
  primary: number;
  /** Its workers that still live. */
  workers: readonly ProcessIdentity[];
  drainTimeoutMs: number;
  stopTimeoutMs: number;
}

/** In that time a worker that can has noticed that it is alone, and has closed its ports. */
const CLOSE_MS = 3_000;
const KILLED_MS = 2_000;
/** As a fast stop. */
const FAST_MS = 2_000;
const LOOK_MS = 50;

/** Of all apps of this user, or of one. Throws a TuttiError where that cannot be known. */
export function findOrphans(env: Environment, name?: string): Orphans[] {
  const folder = orNone(() => rosterFolder(env));
  const space = numberSpace();
  if (folder === null || space === null) return [];
  const found: Orphans[] = [];
  for (const entry of namesInState(folder)) {
    const file = entry.endsWith('.json') ? read(join(folder, entry)) : null;
    if (file === null || (name !== undefined && file.name !== name)) continue;
    const isHere = file.space === space;
    if (isHere && lives(file.primary)) continue;
    const workers = isHere ? file.workers.filter(lives) : [];
    if (workers.length > 0) {
      const { name: app, primary, drainTimeoutMs = 0, stopTimeoutMs } = file;
      found.push({ name: app, primary: primary.pid, workers, drainTimeoutMs, stopTimeoutMs });
    } else if (isHere || isPast(file, space)) forget(join(folder, entry));
  }
  return found;
}

/** Those that still hold a port: they hang, are stopped, or have not noticed yet that they are alone. */
export function holdingPorts({ workers }: Orphans): ProcessIdentity[] {
  return workers.filter((worker) => lives(worker) && holdsPort(worker.pid));
}

/**
 * Makes way for a start of `name`. Orphans that have closed their ports finish what they have. One that holds its port is told to end by
 * TERM, and is killed when it has not closed it within stopTimeout. `tell` hears of it; `hurry`: it is to be over now.
 */
export async function endOrphans(
  env: Environment,
  name: string,
  { tell, hurry }: { tell(message: string): void; hurry(): boolean },
): Promise<void> {
  for (const orphans of orNone(() => findOrphans(env, name)) ?? []) {
    const pids = orphans.workers.map(({ pid }) => pid).join(', ');
    tell(`Workers of a supervisor that was killed (pid ${orphans.primary}) are still here: ${pids}.`);
    const stuck = await closePorts(orphans, hurry);
    if (stuck.length > 0)
      tell(`Those that did not close their ports were killed: ${stuck.map(({ pid }) => pid).join(', ')}.`);
  }
}

export interface StoppedOrphans {
  killed: readonly ProcessIdentity[];
  alive: readonly ProcessIdentity[];
}

/**
 * Ends them all, as a stop of the app would have: they finish what they have, for drainTimeout and stopTimeout at most, and without that
 * with `fast`. After `mostMs` what lives yet is left to itself.
 */
export async function stopOrphans(
  orphans: Orphans,
  { fast, mostMs }: { fast: boolean; mostMs: number },
): Promise<StoppedOrphans> {
  const end = performance.now() + mostMs;
  const alive = (): ProcessIdentity[] => orphans.workers.filter(lives);
  const isOver = (): boolean => alive().length === 0 || performance.now() >= end;
  const { drainTimeoutMs, stopTimeoutMs } = orphans;
  const killed = fast ? [] : await closePorts(orphans, isOver);
  if (!fast) await until(isOver, drainTimeoutMs + stopTimeoutMs);
  if (!isOver()) {
    for (const { pid } of alive()) signal(orphans, pid, 'SIGTERM');
    await until(isOver, fast ? Math.min(stopTimeoutMs, FAST_MS) : stopTimeoutMs);
  }
  if (!isOver()) {
    const stuck = alive();
    killed.push(...stuck);
    for (const { pid } of stuck) signal(orphans, pid, 'SIGKILL');
    await until(isOver, KILLED_MS);
  }
  return { killed, alive: alive() };
}

/** Resolves to those that had to be killed, because they did not close their ports in time. */
async function closePorts(orphans: Orphans, hurry: () => boolean): Promise<ProcessIdentity[]> {
  const closed = (): boolean => hurry() || holdingPorts(orphans).length === 0;
  // One that was stopped can finish what it has like the others.
  for (const { pid } of orphans.workers) if (processStatus(pid)?.state === 'T') signal(orphans, pid, 'SIGCONT');
  await until(closed, CLOSE_MS);
  if (hurry()) return [];
  for (const { pid } of holdingPorts(orphans)) signal(orphans, pid, 'SIGTERM');
  await until(closed, orphans.stopTimeoutMs);
  const stuck = holdingPorts(orphans);
  for (const { pid } of stuck) signal(orphans, pid, 'SIGKILL');
  await until(() => !stuck.some(lives), KILLED_MS);
  return stuck;
}

/** To this very process, or to nobody. */
function signal({ workers }: Orphans, pid: number, name: NodeJS.Signals): void {
  const worker = workers.find((one) => one.pid === pid);
  if (worker === undefined || !lives(worker)) return;
  try {
    process.kill(pid, name);
  } catch {
    // It has ended in this moment.
  }
}

async function until(holds: () => boolean, mostMs: number): Promise<void> {
  for (const end = performance.now() + mostMs; !holds() && performance.now() < end; ) await delay(LOOK_MS);
}

function forget(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A folder that cannot be written: it stays, and says nothing.
  }
}

/** Of this machine, before it was booted again. What belongs to another container or machine is none of ours. */
function isPast({ host, space }: RosterFile, now: string): boolean {
  return host === hostname() && space.split(' ')[0] !== now.split(' ')[0];
}

function read(path: string): RosterFile | null {
  try {
    const file = JSON.parse(readOwn(path)) as RosterFile;
    const isOne = [file.primary, ...file.workers].every(({ pid, born }) => pid > 0 && typeof born === 'string');
    const isComplete = typeof file.name === 'string' && typeof file.space === 'string' && file.stopTimeoutMs >= 0;
    return file.schema === 1 && isOne && isComplete ? file : null;
  } catch {
    return null;
  }
}
