// Where the apps that a command means write their output: a running app says so, of one that has ended its record does.

import { existsSync } from 'node:fs';
import { asTuttiError } from '../../app/known-error.ts';
import { TuttiError } from '../../errors.ts';
import { isAppName } from '../../files/app-name.ts';
import { appPaths } from '../../files/state-folder.ts';
import { tellAside } from '../failure.ts';
import { chooseRunning, type Found, type Known, knownApps, namesOf } from '../shared/choose-apps.ts';
import type { LaunchRecord } from '../shared/launch-record.ts';
import type { Terminal } from '../terminal.ts';

export interface LogFile {
  app: string;
  file: string;
}

/** Throws a TuttiError when one that is named is unknown or has no file. `several`: without a name all are meant, where it cannot be told. */
export async function logFilesOf(
  typed: readonly string[],
  command: string,
  terminal: Terminal,
  { several }: { several: boolean },
): Promise<LogFile[]> {
  const known = await knownApps(terminal);
  const names = await namesOf(typed, known, terminal);
  const apps = await meant(names, known, command, terminal, several);
  const files: LogFile[] = [];
  for (const app of apps) {
    if (!('client' in app)) {
      files.push({ app: app.name, file: app.logFile ?? appPaths(terminal.env, app.name).log });
      continue;
    }
    try {
      const place = await app.client.log();
      if (place === null) throw new TuttiError('ERR_NO_LOG', { name: app.name });
      files.push({ app: app.name, file: place.file });
    } catch (error) {
      if (apps.length === 1) throw error;
      tellAside(`${app.name}: ${asTuttiError(error).message}`, terminal);
    }
  }
  return files;
}

type Writer = Found | LaunchRecord | { name: string; logFile?: string };

async function meant(
  names: readonly string[],
  known: Known,
  command: string,
  terminal: Terminal,
  several: boolean,
): Promise<readonly Writer[]> {
  if (names.includes('all') && known.records.size > 0) return [...known.running, ...known.stopped];
  if (names.length === 0) {
    if (known.running.length === 0 && known.stopped.length > 0 && (several || known.stopped.length === 1)) {
      return known.stopped;
    }
    try {
      return await chooseRunning([], terminal, command, known);
    } catch (error) {
      if (several && error instanceof TuttiError && error.code === 'ERR_APP_AMBIGUOUS') return known.running;
      throw error;
    }
  }
  const found: Writer[] = [];
  for (const name of names) {
    const ended = known.stopped.find((record) => record.name === name);
    if (ended !== undefined) found.push(ended);
    // Log files outlive what is known of an app.
    else if (isForgotten(name, known, terminal)) found.push({ name });
    else found.push(...(await chooseRunning([name], terminal, command, known)));
  }
  return found;
}

function isForgotten(name: string, { running }: Known, { env }: Terminal): boolean {
  return isAppName(name) && !running.some((app) => app.name === name) && existsSync(appPaths(env, name).log);
}
