// Who may bring an app a new supervisor while orphans of it serve on: the file that says whose turn it is. It is held by the process that
// is about to start one, and then by that new supervisor, until the orphans are gone. Whoever finds it held by a process that is dead
// takes it over. It saves work and is no proof: that one app never has two supervisors is held by the control socket. Used by the
// orphans, the primary and the CLI (Linux).

import { constants, copyFileSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { identityOf, lives, type ProcessIdentity } from './process-identity.ts';

export interface Turn {
  holder: ProcessIdentity;
  /** How often a supervisor was started without coming as far as to end the orphans. */
  tries: number;
  /** When the holder began, on the system's monotonic clock, in ms. */
  at: number;
}

/** What a file system says that has no hard links. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** `place`: how the paths of an app's orphans begin. */
export function turnPath(place: string): string {
  return `${place}.turn`;
}

/** Where a start by hand waits for an orphan that gives the ports away. */
export function callPath(place: string): string {
  return `${place}.call`;
}

/** Since when the workers of the dead primary `pid` serve on, and until when. */
export function sincePath(place: string, pid: number): string {
  return `${place}.${pid}.since`;
}

/** What the dead primary `pid` has left written about the app. */
export function leftPath(place: string, pid: number): string {
  return `${place}.${pid}.json`;
}

/** Null: nobody has had a turn, or the file says nothing. */
export function readTurn(place: string): Turn | null {
  return parse(contentOf(turnPath(place)));
}

/** Somebody who lives has it. */
export function isTaken(turn: Turn | null): boolean {
  return turn !== null && lives(turn.holder);
}

/** For this process. False if somebody who lives has it, or has just taken it. Throws what the disk says. */
export function takeTurn(place: string, tries: number, at: number): boolean {
  const path = turnPath(place);
  const own = `${path}.${process.pid}`;
  const holder = identityOf(process.pid);
  if (holder === null) return false;
  writeFileSync(own, textOf({ holder, tries, at }), { mode: 0o600 });
  try {
    if (linked(own, path)) return true;
    const found = contentOf(path);
    if (isTaken(parse(found))) return false;
    // Two may have found the same dead holder: what was moved away must be what was found.
    const old = `${own}.old`;
    renameSync(path, old);
    const isSame = contentOf(old) === found;
    if (!isSame) linked(old, path);
    rmSync(old, { force: true });
    return isSame && linked(own, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** To the process that the holder has started. */
export function passTurn(place: string, to: number, { tries, at }: Pick<Turn, 'tries' | 'at'>): void {
  const holder = identityOf(to);
  if (holder === null) return;
  const fresh = `${turnPath(place)}.${process.pid}`;
  writeFileSync(fresh, textOf({ holder, tries, at }), { mode: 0o600 });
  renameSync(fresh, turnPath(place));
}

/** Gives it back, if this process has it. */
export function endTurn(place: string): void {
  if (readTurn(place)?.holder.pid === process.pid) rmSync(turnPath(place), { force: true });
}

function textOf(turn: Turn): string {
  return `${JSON.stringify(turn)}\n`;
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Nobody has it.
    return null;
  }
}

function parse(text: string | null): Turn | null {
  try {
    const turn = JSON.parse(text ?? 'null') as Turn | null;
    const isOne = turn !== null && turn.holder.pid > 0 && typeof turn.holder.born === 'string' && turn.tries >= 0;
    return isOne ? turn : null;
  } catch {
    return null;
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!WITHOUT_LINKS.has(code)) throw error;
    return copied(from, to);
  }
}

/** For a moment the file is empty to others, and then nobody's. */
function copied(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
