// Which files under a watched folder tutti itself writes: they change without the program having changed. Part of the composition; runs in
// the primary.

import { readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolders } from '../../files/state-folder.ts';
import { placeOf } from '../../logs/workers/log-place.ts';

const stateParts = ['apps', 'compiled', 'incidents', 'inspections', 'logs', 'run'];
const rotated = /^(\.\d+(\.gz(\.part)?)?)?$/;

/** Whether a path is one of them: log files with all that rotation makes of them, the state folder, and where stdout and stderr go. */
export async function ownFiles(
  logFiles: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<(path: string) => boolean> {
  const logs = new Set<string>(logFiles);
  for (const file of logFiles) logs.add((await placeOf(file)).path);
  for (const fd of [1, 2]) logs.add(await readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  logs.delete('');
  const folders: string[] = [];
  for (const state of statesOf(env)) {
    for (const folder of [state, await realpath(state).catch(() => state)]) {
      folders.push(...stateParts.map((part) => join(folder, part)));
    }
  }
  const all = [...logs];
  return (path) =>
    all.some((log) => path.startsWith(log) && rotated.test(path.slice(log.length))) ||
    folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

function statesOf(env: Readonly<Record<string, string | undefined>>): string[] {
  try {
    return stateFolders(env);
  } catch {
    return []; // no home: nothing is written there
  }
}
