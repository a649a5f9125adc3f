// Where a command writes what it was asked for. It is looked at before the work begins, so that nobody waits for what cannot be kept.

import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, TuttiError } from '../../errors.ts';
import type { Terminal } from '../terminal.ts';

/** The path that was given with `--out`, or `otherwise` in the current folder. */
export function outFile(out: unknown, otherwise: string, terminal: Terminal): string {
  if (out === '') throw new TuttiError('ERR_OUT_PLACE', { path: '', folder: '.', problem: 'it is empty' });
  return resolve(terminal.cwd, typeof out === 'string' ? out : otherwise);
}

/** Throws a TuttiError where no file can be made. What is there already is for the caller to judge, unless it is a folder. */
export function checkPlace(path: string): void {
  const folder = dirname(path);
  const problem = problemOf(path, folder);
  if (problem !== null) throw new TuttiError('ERR_OUT_PLACE', { path, folder, problem });
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new TuttiError('ERR_OUT_UNWRITABLE', { path, reason: messageOf(error) });
  }
}

/** As `checkPlace`, and nothing may be there: what is written later is made anew or not at all. */
export function checkFree(path: string): void {
  checkPlace(path);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw new TuttiError('ERR_OUT_EXISTS', { path });
}

function problemOf(path: string, folder: string): string | null {
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is not a folder`;
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? 'it is a folder, not a file' : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `there is no folder ${folder}`;
    if (code === 'ENOTDIR') return `${folder} is not a folder`;
    throw new TuttiError('ERR_OUT_UNWRITABLE', { path, reason: messageOf(error) });
  }
}
