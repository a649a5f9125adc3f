// The work of `tutti flush`. The log process notices an emptied file by itself, and writes on at its beginning.

import { closeSync, constants, fstatSync, ftruncateSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { exitCodes } from '../../errors.ts';
import { placeOf } from '../../logs/workers/log-place.ts';
import { tellAside, writing } from '../failure.ts';
import { bytes } from '../shared/readable.ts';
import type { Terminal } from '../terminal.ts';
import { logFilesOf } from './log-files.ts';

export async function flushLogs(names: readonly string[], json: boolean, terminal: Terminal): Promise<number> {
  const flushed: { app: string; file: string; bytes: number }[] = [];
  for (const { app, file } of await logFilesOf(names, 'flush', terminal, { several: false })) {
    const { path, descriptor } = await placeOf(file);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (descriptor !== null || (stats !== undefined && !stats.isFile())) {
      tellAside(`${app}: its log is ${file}, which is no file that could be emptied`, terminal);
      continue;
    }
    const freed = (stats === undefined ? 0 : empty(path)) + removeRotated(path);
    flushed.push({ app, file: path, bytes: freed });
    if (!json) terminal.stdout.write(`${app}: emptied ${path} (${bytes(freed)})\n`);
  }
  if (json) terminal.stdout.write(`${JSON.stringify({ schema: 1, flushed })}\n`);
  return exitCodes.stopped;
}

/** Answers how large it was. What becomes another file in the meantime, or a pipe, is not touched. */
function empty(path: string): number {
  const { O_WRONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const file = writing(path, () => openSync(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW));
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return 0;
    ftruncateSync(file, 0);
    return stats.size;
  } finally {
    closeSync(file);
  }
}

function removeRotated(path: string): number {
  let freed = 0;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`) || !/^\d{1,4}(\.gz)?$/.test(name.slice(basename(path).length + 1)))
      continue;
    const old = join(dirname(path), name);
    const stats = statSync(old, { throwIfNoEntry: false });
    if (stats?.isFile() !== true) continue;
    writing(old, () => rmSync(old));
    freed += stats.size;
  }
  return freed;
}
