// How each app in the background was started, on disk, so that it can be started again by its name alone. What was typed is
// kept, never the environment: secrets stay where they are. Runs in the CLI.

import { renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import type { AppRequest } from '../../config/app.ts';
import type { OptionName } from '../../config/options.ts';
import { readOwn, writeOwn } from '../../files/ownership.ts';
import { appPaths, ensurePrivateFolder, isAppName, lastingFolder, namesInState } from '../../files/state-folder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface LaunchRecord {
  schema: 1;
  name: string;
  /** Where it was typed. */
  cwd: string;
  entry: string | null;
  args: readonly string[];
  /** As typed, by option of the table. */
  flags: Readonly<Partial<Record<OptionName, readonly string[] | boolean>>>;
  /** The configuration file; `none`: without. */
  config: string;
  /** Its place among the apps of that file, from 0. */
  position?: number;
  /** Where its workers write, once it was ready. */
  logFile?: string;
  /** ISO 8601. */
  startedAt: string;
}

/** What loads the same app again. */
export function launchRequest({ flags, entry, args, config }: LaunchRecord): AppRequest {
  return { command: 'start', flags, entry: entry ?? undefined, args, configPath: config, orphan: 'drain' };
}

export function writeRecord(env: Environment, record: LaunchRecord): void {
  const { record: path } = appPaths(env, record.name);
  ensurePrivateFolder(dirname(path));
  const fresh = `${path}.${process.pid}`;
  try {
    writeOwn(fresh, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(fresh, path);
  } catch (error) {
    // Half a record is none.
    rmSync(fresh, { force: true });
    throw error;
  }
}

export function removeRecord(env: Environment, name: string): void {
  rmSync(appPaths(env, name).record, { force: true });
}

export function readRecord(env: Environment, name: string): LaunchRecord | null {
  // A word that is no name, such as a path, must not lead out of the folder.
  if (!isAppName(name)) return null;
  const { record } = appPaths(env, name);
  return namesInState(dirname(record)).includes(basename(record)) ? parse(record) : null;
}

export function readRecords(env: Environment): LaunchRecord[] {
  const folder = join(lastingFolder(env), 'apps');
  return namesInState(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => parse(join(folder, file)))
    .filter((record) => record !== null)
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/** Null for what is not there or not ours: a foreign file must neither be started nor break every command. */
function parse(path: string): LaunchRecord | null {
  try {
    const record: unknown = JSON.parse(readOwn(path));
    const isOurs = typeof record === 'object' && record !== null && 'schema' in record && record.schema === 1;
    return isOurs && 'name' in record && typeof record.name === 'string' ? (record as LaunchRecord) : null;
  } catch {
    return null;
  }
}
