// How each app in the background was started, on disk, so that it can be started again by its name alone. What was typed is
// kept, never the environment: secrets stay where they are. Runs in the CLI.

import { dirname, isAbsolute, join } from 'node:path';
import type { AppRequest } from '../../config/app.ts';
import type { OptionName } from '../../config/options.ts';
import type { TuttiError } from '../../errors.ts';
import { isAppName } from '../../files/app-name.ts';
import { readState, removeState, type StateRead, stateName, writeState } from '../../files/state-file.ts';
import { appPaths, ensurePrivateFolder, lastingFolder, namesInState } from '../../files/state-folder.ts';

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
  /** Its last start came to nothing. */
  failed?: { at: string; reason: string } | undefined;
}

/** What loads the same app again. */
export function launchRequest({ flags, entry, args, config }: LaunchRecord): AppRequest {
  return { command: 'start', flags, entry: entry ?? undefined, args, configPath: config, orphan: 'serve' };
}

export function writeRecord(env: Environment, record: LaunchRecord): void {
  const { record: path } = appPaths(env, record.name);
  ensurePrivateFolder(dirname(path));
  const keep = (text: string): boolean => parse(record.name, text) !== null;
  writeState(path, `${JSON.stringify(record, null, 2)}\n`, { lasting: true, keep });
}

/** For who started it and was interrupted before it was ready. Never throws. */
export function recordLate(env: Environment, record: LaunchRecord): void {
  quietly(() => writeRecord(env, { ...record, failed: undefined }));
}

/**
 * What has run stays startable as it ran; what never has is listed, with its log, until it runs or is deleted. Never throws: the error
 * itself weighs more.
 */
export function recordFailure(env: Environment, record: LaunchRecord, { code, message }: TuttiError): void {
  if (code === 'ERR_ALREADY_RUNNING') return;
  quietly(() => {
    const before = readRecord(env, record.name);
    const [reason = ''] = message.split('\n');
    const kept = before?.logFile === undefined ? record : before;
    writeRecord(env, { ...kept, failed: { at: new Date().toISOString(), reason } });
  });
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // The app can be started without, and whoever looks for it is told why it is not known.
  }
}

export function removeRecord(env: Environment, name: string): void {
  removeState(appPaths(env, name).record);
}

/** Where the file is damaged, it is that of the start before, and `warn` hears of it. */
export function readRecord(env: Environment, name: string, warn?: (message: string) => void): LaunchRecord | null {
  const { value, damage } = readOne(env, name);
  if (damage !== null) {
    const instead = value === null ? 'start it by its program once more' : 'what is known of the start before is used';
    warn?.(
      `${name}: cannot use the record of its last start (${appPaths(env, name).record}), because ${damage}; ${instead}`,
    );
  }
  return value;
}

/** Those that can be used, with the one of the start before where the file is damaged. */
export function readRecords(env: Environment): LaunchRecord[] {
  return [...new Set(recordNames(env))]
    .map((name) => readOne(env, name).value)
    .filter((record) => record !== null)
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function recordNames(env: Environment): string[] {
  return namesInState(join(lastingFolder(env), 'apps'))
    .map((file) => stateName(file, '.json'))
    .filter((name) => name !== null);
}

function readOne(env: Environment, name: string): StateRead<LaunchRecord> {
  // A word that is no name, such as a path, must not lead out of the folder.
  if (!isAppName(name) || !recordNames(env).includes(name)) return { value: null, damage: null };
  return readState(appPaths(env, name).record, (text) => parse(name, text));
}

/** Null for what is not ours: a foreign file must neither be started nor break every command. */
function parse(name: string, text: string): LaunchRecord | null {
  const record = JSON.parse(text) as Partial<Record<keyof LaunchRecord, unknown>> | null;
  if (typeof record !== 'object' || record === null) return null;
  const { cwd, entry, args, flags, config, position = 0, logFile = '', startedAt, failed } = record;
  const isWhole =
    record.schema === 1 &&
    record.name === name &&
    typeof cwd === 'string' &&
    isAbsolute(cwd) &&
    (entry === null || typeof entry === 'string') &&
    isTexts(args) &&
    typeof flags === 'object' &&
    flags !== null &&
    Object.values(flags).every((value) => typeof value === 'boolean' || isTexts(value)) &&
    typeof config === 'string' &&
    Number.isInteger(position) &&
    typeof logFile === 'string' &&
    typeof startedAt === 'string' &&
    (failed === undefined || isFailure(failed));
  return isWhole ? (record as LaunchRecord) : null;
}

function isFailure(value: unknown): boolean {
  const { at, reason } = (value ?? {}) as Record<string, unknown>;
  return typeof at === 'string' && typeof reason === 'string';
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** Their names. */
export function inOrderOfStart(records: readonly LaunchRecord[]): string[] {
  return [...records].sort((a, b) => a.startedAt.localeCompare(b.startedAt)).map(({ name }) => name);
}
