// The work of `tutti start all` and `tutti resurrect`: each app that does not run is started, whatever becomes of the others.

import { asTuttiError } from '../../app/known-error.ts';
import { exitCodes, TuttiError } from '../../errors.ts';
import { savedListPath } from '../../files/state-folder.ts';
import type { Started } from '../actions/launch-in-background.ts';
import { type StartRequest, startedCode, startOne, typesMore } from '../actions/start-apps.ts';
import { tellAside, tellFailure } from '../failure.ts';
import { knownApps } from '../shared/choose-apps.ts';
import { inOrderOfStart, type LaunchRecord, readRecord } from '../shared/launch-record.ts';
import type { Terminal } from '../terminal.ts';
import { readSaved } from './saved-list.ts';

/** Every app that was started in the background once. */
export async function startEvery(request: StartRequest): Promise<number> {
  return startSeveral(await everyName(request), request.options.json === true, request.terminal);
}

/** The same, as they were started last. */
export async function everyApp(request: StartRequest): Promise<LaunchRecord[]> {
  return (await everyName(request)).map((name) => recordOf(name, request.terminal));
}

async function everyName({ positionals, args, options, terminal }: StartRequest): Promise<string[]> {
  if (positionals.length > 1 || typesMore(args, options)) {
    throw new TuttiError('ERR_USAGE', {
      problem: '"all" means every app as it was started, and takes no other names, options or arguments',
      hint: 'Type tutti start all, or name the apps.',
    });
  }
  const { records } = await knownApps(terminal);
  if (records.size === 0) throw new TuttiError('ERR_NOTHING_RECORDED', {});
  return inOrderOfStart([...records.values()]);
}

/** Those that `tutti save` wrote down. */
export async function resurrectApps(json: boolean, terminal: Terminal): Promise<number> {
  const { value: saved, damage } = readSaved(terminal.env);
  const path = savedListPath(terminal.env);
  if (saved === null) throw new TuttiError('ERR_NOTHING_SAVED', { path, damage });
  if (damage !== null) tellAside(`cannot use ${path}, because ${damage}; the list saved before it is used`, terminal);
  return startSeveral(saved, json, terminal);
}

/** One after the other: what was started first may be needed by what came later. */
async function startSeveral(names: readonly string[], json: boolean, terminal: Terminal): Promise<number> {
  const { running } = await knownApps(terminal);
  const already = names.filter((name) => running.some((app) => app.name === name));
  const started: Started[] = [];
  const failed: { name: string; error: TuttiError }[] = [];
  for (const name of names) {
    if (already.includes(name)) {
      if (!json) terminal.stdout.write(`${name}: runs already\n`);
      continue;
    }
    try {
      started.push(await startOne(recordOf(name, terminal), json, terminal));
    } catch (error) {
      failed.push({ name, error: asTuttiError(error) });
      if (!json) tellFailure(error, terminal);
    }
  }
  if (json) {
    const failures = failed.map(({ name, error: { code, message, remedy } }) => ({ name, code, message, remedy }));
    terminal.stdout.write(`${JSON.stringify({ schema: 1, started, already, failed: failures })}\n`);
  } else if (failed.length > 0) {
    const left = failed.map(({ name }) => name).join(' ');
    terminal.stderr.write(`Not started: ${failed.length} of ${names.length}. To try again: tutti start ${left}\n`);
  }
  if (failed.length === 0) return startedCode(started);
  if (failed.length < names.length) return exitCodes.degraded;
  return failed.length === 1 ? (failed[0]?.error.exitCode ?? exitCodes.failed) : exitCodes.failed;
}

function recordOf(name: string, terminal: Terminal): LaunchRecord {
  const record = readRecord(terminal.env, name, (warning) => tellAside(warning, terminal));
  if (record === null) throw new TuttiError('ERR_NO_RECORD', { name });
  return { ...record, startedAt: new Date().toISOString() };
}
