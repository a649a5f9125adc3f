// What a supervisor left behind when it was killed: finds its workers by the files of roster.ts, and ends those that do not end by
// themselves, so that the app can be started again. Part of the composition; runs in the primary of a new start and in the CLI.

import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readOwn } from '../../files/ownership.ts';
import { writeState } from '../../files/state-file.ts';
import { namesInState, orNone, rosterFolder } from '../../files/state-folder.ts';
import { monotonicMs } from '../../host/monotonic.ts';
import { holdsPlace, holdsPort, numberSpace } from '../../host/process/process-identity.ts';
import { lives, type ProcessIdentity, processStatus } from '../../protocol/orphans/process-identity.ts';
import { mayRevive } from '../../protocol/orphans/revival-limit.ts';
import { leftPath, sincePath } from '../../protocol/orphans/succession.ts';
import { systemMs } from '../../protocol/scoreboard-layout.ts';
import { placeOf } from './orders.ts';
import type { RosterFile } from './roster.ts';
import { takeTurnOf } from './turn.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Orphans {
  name: string;
  /** The supervisor that was killed. */
  primary: number;
  /** Its workers that still live. */
  workers: readonly ProcessIdentity[];
  drainTimeoutMs: number;
  stopTimeoutMs: number;
  /** They serve on, for so long at most; 0: they drain. */
  serveMs: number;
  /** They start no other supervisor: too many in a row did not last. */
  hasGivenUp: boolean;
  /** Since when they do, and until when at most, on the wall's clock in ms; null: not told yet. */
  serving: { since: number; until: number } | null;
}

/** A supervisor that has ended without a word, and of whose workers none lives. */
export interface DeadSupervisor {
  name: string;
  pid: number;
  /** The machine, or its container, was started anew since. */
  isBefore: boolean;
}

/** In that time a worker that can has noticed that it is alone, and has closed its ports. */
const CLOSE_MS = 3_000;
/** After SIGKILL a process is gone within milliseconds, unless the kernel is stuck. */
const KILLED_MS = 2_000;
/** As a fast stop. */
const FAST_MS = 2_000;
/** A look reads a few files of /proc. Chosen, not measured. */
const LOOK_MS = 50;
/** In that time a process has taken a signal, and two are two. */
const AGAIN_MS = 200;

export interface LeftBehind {
  orphans: readonly Orphans[];
  dead: readonly DeadSupervisor[];
}

/** By all apps of this user, or by one. Throws a TuttiError where that cannot be known. */
export function findLeftBehind(env: Environment, name?: string): LeftBehind {
  const folder = orNone(() => rosterFolder(env));
  const space = numberSpace();
  if (folder === null || space === null) return { orphans: [], dead: [] };
  const orphans: Orphans[] = [];
  const dead: DeadSupervisor[] = [];
  for (const file of rosters(folder)) {
    if (name !== undefined && file.name !== name) continue;
    const isHere = file.space === space;
    if (isHere && lives(file.primary)) continue;
    const workers = isHere ? file.workers.filter(lives) : [];
    const { name: app, drainTimeoutMs = 0, stopTimeoutMs, serveMs = 0, revivals = 0 } = file;
    const { pid } = file.primary;
    if (workers.length > 0) {
      const serving = serveMs > 0 ? readSince(sincePath(join(folder, app), pid)) : null;
      const hasGivenUp = serveMs > 0 && !mayRevive(revivals);
      orphans.push({ name: app, primary: pid, workers, drainTimeoutMs, stopTimeoutMs, serveMs, hasGivenUp, serving });
    } else if (file.isSettled) forgetDead(env, [{ name: app, pid, isBefore: !isHere }]);
    else if (isHere || isPast(file, space)) dead.push({ name: app, pid, isBefore: !isHere });
  }
  return { orphans, dead };
}

/** Workers whose supervisor was killed. */
export function findOrphans(env: Environment, name?: string): readonly Orphans[] {
  return findLeftBehind(env, name).orphans;
}

/** Apps that have two supervisors, because one takes the place of the other: for a moment nobody answers at the control socket. */
export function changingHands(env: Environment): string[] {
  const folder = orNone(() => rosterFolder(env));
  if (folder === null) return [];
  const space = numberSpace();
  const living = rosters(folder).filter((file) => file.space === space && lives(file.primary));
  return living
    .filter(({ name, succeeds }) => living.some((one) => one.name === name && one.primary.pid === succeeds?.pid))
    .map(({ name }) => name);
}

/** Workers of the app serve on, and can give its ports away. */
export function hasServingOrphans(env: Environment, name: string): boolean {
  return orNone(() => findOrphans(env, name))?.some(({ serveMs }) => serveMs > 0) ?? false;
}

/** Once its workers are gone nobody needs to hear of it. */
export function settle(env: Environment, { name, primary }: Orphans): void {
  const path = leftPath(placeOf(env, name), primary);
  const file = read(path);
  try {
    if (file !== null) writeState(path, `${JSON.stringify({ ...file, isSettled: true })}\n`);
  } catch {
    // A folder that cannot be written: it is heard of once more.
  }
}

/** It is history: the app was started again, was deleted, or was never to be known by its name. */
export function forgetDead(env: Environment, dead: readonly DeadSupervisor[]): void {
  for (const { name, pid } of dead) {
    const place = placeOf(env, name);
    forget(leftPath(place, pid));
    forget(sincePath(place, pid));
  }
}

/** Those that still hold a port: they hang, are stopped, or have not noticed yet that they are alone. */
export function holdingPorts({ workers }: Orphans): ProcessIdentity[] {
  return workers.filter((worker) => lives(worker) && holdsPort(worker.pid));
}

/**
 * Makes way for a start of `name`. Orphans that have closed their ports finish what they have. One that holds its port is told to end by
 * TERM, and is killed when it has not closed it within stopTimeout. `tell` hears of it; `hurry`: it is to be over now. Throws a TuttiError
 * when another process is about to start the app.
 */
export async function endOrphans(
  env: Environment,
  name: string,
  { tell, hurry }: { tell(message: string): void; hurry(): boolean },
): Promise<void> {
  const left = orNone(() => findLeftBehind(env, name));
  if (left === null) return;
  forgetDead(env, left.dead);
  if (left.orphans.length === 0) return;
  const turn = await takeTurnOf(env, name);
  try {
    await makeWay(left.orphans, tell, hurry);
  } finally {
    turn.end();
  }
}

/**
 * Those that stand in the way at a port or a path close it, and finish what they have. False: it is held by none of them. For a socket
 * that only some workers had, so that it was not handed on.
 */
export async function claimPlace(env: Environment, name: string, place: number | string): Promise<boolean> {
  let isHeld = false;
  for (const orphans of orNone(() => findOrphans(env, name)) ?? []) {
    const workers = orphans.workers.filter(({ pid }) => holdsPlace(pid, place));
    if (workers.length === 0) continue;
    isHeld = true;
    await closePorts({ ...orphans, workers }, () => !workers.some(({ pid }) => holdsPlace(pid, place)));
  }
  return isHeld;
}

async function makeWay(all: readonly Orphans[], tell: (message: string) => void, hurry: () => boolean): Promise<void> {
  for (const orphans of all) {
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
  const end = monotonicMs() + mostMs;
  const alive = (): ProcessIdentity[] => orphans.workers.filter(lives);
  const isOver = (): boolean => alive().length === 0 || monotonicMs() >= end;
  const { drainTimeoutMs, stopTimeoutMs, serveMs } = orphans;
  const killed = fast ? [] : await closePorts(orphans, isOver);
  if (!fast) await until(isOver, drainTimeoutMs + stopTimeoutMs);
  if (!isOver()) {
    for (const { pid } of alive()) signal(orphans, pid, 'SIGTERM');
    // The first one has it drain.
    if (fast && serveMs > 0) {
      await delay(AGAIN_MS);
      for (const { pid } of alive()) signal(orphans, pid, 'SIGTERM');
    }
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
  if (orphans.serveMs > 0) for (const { pid } of orphans.workers) signal(orphans, pid, 'SIGTERM');
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
  for (const end = monotonicMs() + mostMs; !holds() && monotonicMs() < end; ) await delay(LOOK_MS);
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

function readSince(path: string): Orphans['serving'] {
  try {
    const { at, timeoutMs } = JSON.parse(readOwn(path)) as { at: unknown; timeoutMs: unknown };
    if (typeof at !== 'number' || typeof timeoutMs !== 'number') return null;
    const since = Date.now() - (systemMs(process.hrtime()) - at);
    return { since, until: since + timeoutMs };
  } catch {
    // None of them has noticed yet.
    return null;
  }
}

function rosters(folder: string): RosterFile[] {
  const files = namesInState(folder).filter((entry) => entry.endsWith('.json'));
  return files.map((entry) => read(join(folder, entry))).filter((file) => file !== null);
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
