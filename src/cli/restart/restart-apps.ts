// The work of `tutti restart`.

import { asTuttiError } from '../../app/known-error.ts';
import { exitCodes, TuttiError } from '../../errors.ts';
import type { Started } from '../actions/launch-in-background.ts';
import { startedCode, startOne } from '../actions/start-apps.ts';
import { type EndRequest, stopEach } from '../actions/stop-apps.ts';
import { tellAside, tellFailure } from '../failure.ts';
import { chooseKnown, knownApps, namesOf } from '../shared/choose-apps.ts';
import { asJson } from '../shared/control.ts';
import { readRecord } from '../shared/launch-record.ts';
import { type AppOutcome, type CommandOutcome, worstExitCode } from '../shared/outcome.ts';

/** A stopped app is started; one that runs is stopped first. Each is back before the next is touched. */
export async function restartApps({ names: typed, fast, json, terminal }: EndRequest): Promise<number> {
  const known = await knownApps(terminal);
  const names = await namesOf(typed, known, terminal);
  const { running, stopped: idle } = await chooseKnown(names, known, terminal, 'restart');
  const without = running.filter((app) => readRecord(terminal.env, app.name) === null).map((app) => app.name);
  if (without.length > 0) throw new TuttiError('ERR_NOT_RESTARTABLE', { names: without });
  const all = [...running, ...idle];
  const outcomes: AppOutcome[] = [];
  const started: Started[] = [];
  let code: number = exitCodes.stopped;
  for (const one of all) {
    const began = performance.now();
    const record = readRecord(terminal.env, one.name, (warning) => tellAside(warning, terminal));
    const apps = 'client' in one ? [one] : [];
    const [stopped] = await stopEach({ apps, orphans: [] }, { fast, json, timeoutMs: null }, terminal);
    if (record === null || (stopped !== undefined && stopped.result.outcome !== 'done')) {
      if (stopped !== undefined) outcomes.push(stopped);
      code = worstExitCode(outcomes);
      break;
    }
    const end = (result: CommandOutcome): unknown =>
      outcomes.push({ app: one.name, ms: performance.now() - began, result });
    try {
      started.push(await startOne({ ...record, startedAt: new Date().toISOString() }, json, terminal));
      end({ outcome: 'done' });
    } catch (error) {
      code = tellFailure(error, terminal);
      end({ outcome: 'failed', reason: asTuttiError(error).message, lastLines: [] });
      break;
    }
  }
  if (json) terminal.stdout.write(`${JSON.stringify({ schema: 1, started, ...asJson(all, outcomes) })}\n`);
  return code === exitCodes.stopped ? startedCode(started) : code;
}
