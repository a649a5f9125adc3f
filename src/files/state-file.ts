// How every state file is written and read: whole or not at all, whatever ends the process, fills the disk or cuts the power in between.
// Runs in the primary and in the CLI.

import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { openOwn, readOwn } from './ownership.ts';

export interface WriteOptions {
  /** It outlives a power cut, which costs a wait for the disk: for what a boot goes by. */
  lasting?: boolean;
  /** For whom else, where it is no state of this user's. */
  mode?: number;
  /** What was there before stays beside it, for `readState`, if `isGood` takes it. Without: nothing stays. */
  keep?: (text: string) => boolean;
}

/**
 * For this user's eyes alone unless `mode` says more, and through no link. Throws the system's error; then what was there before is still there, and nothing else.
 */
export function writeState(path: string, text: string, { lasting = false, mode, keep }: WriteOptions = {}): void {
  const fresh = `${path}.${process.pid}.new`;
  try {
    const file = openOwn(fresh, constants.O_WRONLY);
    try {
      ftruncateSync(file);
      writeFileSync(file, text);
      if (mode !== undefined) fchmodSync(file, mode);
      // Some file systems find out only now that they are full.
      if (lasting) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (keep !== undefined) keepPrevious(path, keep);
    renameSync(fresh, path);
  } catch (error) {
    discard(fresh);
    throw error;
  }
  if (lasting) syncFolder(dirname(path));
}

/** What stands in the file; where that is damaged, in words, in the copy from before. Null where there is neither. */
export interface StateRead<T> {
  value: T | null;
  damage: string | null;
}

/** `parse` throws, or answers null, for what is no such file. Never throws. */
export function readState<T>(path: string, parse: (text: string) => T | null): StateRead<T> {
  const current = readOne(path, parse);
  if (current.value !== null) return current;
  const { value } = readOne(previousOf(path), parse);
  return { value, damage: current.damage ?? (value === null ? null : 'it is missing') };
}

/** Both, and nothing if there is none. */
export function removeState(path: string): void {
  for (const one of [previousOf(path), path]) removeFile(one);
}

/** Nothing if there is none. Throws the system's error as it is, which `rmSync` of Node 24 makes unreadable. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** The name without that of the copy, or null for what is neither. `ending`: that of the file, with its dot. */
export function stateName(file: string, ending: string): string | null {
  const name = file.endsWith(PREVIOUS) ? file.slice(0, -PREVIOUS.length) : file;
  return name.endsWith(ending) ? name.slice(0, -ending.length) : null;
}

const PREVIOUS = '.bak';

function previousOf(path: string): string {
  return `${path}${PREVIOUS}`;
}

function readOne<T>(path: string, parse: (text: string) => T | null): StateRead<T> {
  let text: string;
  try {
    text = readOwn(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { value: null, damage: code === 'ENOENT' ? null : message };
  }
  try {
    const value = parse(text);
    if (value !== null) return { value, damage: null };
  } catch {
    // Told below.
  }
  return { value: null, damage: text === '' ? 'it is empty' : 'it is cut off or was changed' };
}

/** The current file is never away, not for a moment. */
function keepPrevious(path: string, isGood: (text: string) => boolean): void {
  const next = `${previousOf(path)}.${process.pid}.new`;
  try {
    if (!isGood(readOwn(path))) return;
    rmSync(next, { force: true });
    linkSync(path, next);
    renameSync(next, previousOf(path));
  } catch {
    // There is none yet, or the file system has no links: then there is no copy.
  }
}

/** Half a file is none; and where it cannot be removed, it could not be made either. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What is to be told is the first error.
  }
}

/** The new name, too, is on the disk. */
function syncFolder(folder: string): void {
  try {
    const file = openSync(folder, constants.O_RDONLY);
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // Windows and some network file systems have nothing of the kind; the file itself is written.
  }
}
