// The work of `tutti restart`.

import { exitCodes, TuttiError } from '../errors.ts';
import { chooseRunning, knownApps, namesOf } from './choose-apps.ts';
import { readRecord } from './launch-record.ts';
import { startAll } from './start-apps.ts';
import { stopApps } from './stop-apps.ts';
import type { Terminal } from './terminal.ts';

export interface RestartRequest {
  names: readonly string[];
  fast: boolean;
  json: boolean;
  terminal: Terminal;
}

/** A stopped app is started; one that runs is stopped first. Each is back before the next is touched. */
export async function restartApps({ names: typed, fast, json, terminal }: RestartRequest): Promise<number> {
  const known = await knownApps(terminal);
  const names = await namesOf(typed, known, terminal);
  const idle = known.stopped.filter(({ name }) => names.includes(name));
  const others = names.filter((name) => !idle.some((record) => record.name === name));
  const running = others.length > 0 || idle.length === 0 ? await chooseRunning(others, terminal, 'restart') : [];
  const without = running.filter((app) => readRecord(terminal.env, app.name) === null).map((app) => app.name);
  if (without.length > 0) throw new TuttiError('ERR_NOT_RESTARTABLE', { names: without });
  for (const app of running) {
    const record = readRecord(terminal.env, app.name);
    const code = await stopApps([app], { fast, json: false, quiet: json, timeoutMs: null }, terminal);
    if (code !== exitCodes.stopped || record === null) return code;
    const started = await startAll([{ ...record, startedAt: new Date().toISOString() }], json, terminal);
    if (started !== exitCodes.stopped) return started;
  }
  return idle.length === 0 ? exitCodes.stopped : startAll(idle, json, terminal);
}
