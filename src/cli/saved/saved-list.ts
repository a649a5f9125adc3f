// The apps that a boot is to bring back, as `tutti save` wrote them down: names, each of which has a launch record. Runs in the CLI.

import { dirname } from 'node:path';
import { isAppName } from '../../files/app-name.ts';
import { readState, type StateRead, writeState } from '../../files/state-file.ts';
import { ensurePrivateFolder, savedListPath } from '../../files/state-folder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface SavedList {
  schema: 1;
  /** In the order in which they are to be started. */
  apps: readonly string[];
  /** ISO 8601. */
  savedAt: string;
}

export function readSaved(env: Environment): StateRead<readonly string[]> {
  const { value, damage } = readState(savedListPath(env), parse);
  return { value: value?.apps ?? null, damage };
}

export function writeSaved(env: Environment, apps: readonly string[]): void {
  const path = savedListPath(env);
  ensurePrivateFolder(dirname(path));
  const list: SavedList = { schema: 1, apps, savedAt: new Date().toISOString() };
  const keep = (text: string): boolean => parse(text) !== null;
  writeState(path, `${JSON.stringify(list, null, 2)}\n`, { lasting: true, keep });
}

/** A boot does not look for what was deleted. */
export function forgetSaved(env: Environment, name: string): void {
  const { value: saved } = readSaved(env);
  if (saved?.includes(name)) {
    const others = saved.filter((one) => one !== name);
    writeSaved(env, others);
  }
}

function parse(text: string): SavedList | null {
  const list = JSON.parse(text) as Partial<Record<keyof SavedList, unknown>> | null;
  if (typeof list !== 'object' || list === null || list.schema !== 1 || !Array.isArray(list.apps)) return null;
  return list.apps.every((name) => typeof name === 'string' && isAppName(name)) ? (list as SavedList) : null;
}
