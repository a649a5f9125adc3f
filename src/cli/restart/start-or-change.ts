// The work of `tutti start --or-reload` and `--or-restart`: each app that is meant, in its order; the first that fails ends it.

import { asTuttiError } from '../../app/known-error.ts';
import type { Started } from '../actions/launch-in-background.ts';
import { type StartRequest, startedCode, startOne, whatIsMeant } from '../actions/start-apps.ts';
import { stopEach } from '../actions/stop-apps.ts';
import { tellAside, tellFailure } from '../failure.ts';
import { everyApp } from '../saved/start-several.ts';
import { type Found, settledApps } from '../shared/choose-apps.ts';
import { asJson, controlOne, writeOutcome } from '../shared/control.ts';
import { type LaunchRecord, readRecord } from '../shared/launch-record.ts';
import { type AppOutcome, type CommandOutcome, worstExitCode } from '../shared/outcome.ts';
import type { Terminal } from '../terminal.ts';

export async function startOrChange(change: 'reload' | 'restart', request: StartRequest): Promise<number> {
  const { options, terminal } = request;
  const json = options.json === true;
  const { running } = await settledApps(terminal);
  const meant = request.positionals.includes('all') ? await everyApp(request) : await whatIsMeant(request);
  const outcomes: AppOutcome[] = [];
  const started: Started[] = [];
  let code = 0;
  for (const record of meant) {
    const began = performance.now();
    const app = running.find(({ name }) => name === record.name);
    if (app !== undefined && change === 'reload') outcomes.push(await reloadOne(app, record, json, terminal));
    else {
      const stopped = app === undefined ? null : await stopOne(app, json, terminal);
      if (stopped !== null) outcomes.push(stopped);
      else {
        let result: CommandOutcome = { outcome: 'done' };
        try {
          started.push(await startOne(record, json, terminal));
        } catch (error) {
          code = tellFailure(error, terminal);
          result = { outcome: 'failed', reason: asTuttiError(error).message, lastLines: [] };
        }
        outcomes.push({ app: record.name, ms: performance.now() - began, result });
      }
    }
    if (outcomes.at(-1)?.result.outcome !== 'done') break;
  }
  if (json) terminal.stdout.write(`${JSON.stringify({ schema: 1, started, ...asJson(meant, outcomes) })}\n`);
  return code || worstExitCode(outcomes) || startedCode(started);
}

/** Null when it has ended. */
async function stopOne(app: Found, json: boolean, terminal: Terminal): Promise<AppOutcome | null> {
  const [outcome] = await stopEach({ apps: [app], orphans: [] }, { fast: false, json, timeoutMs: null }, terminal);
  return outcome === undefined || outcome.result.outcome === 'done' ? null : outcome;
}

async function reloadOne(app: Found, record: LaunchRecord, json: boolean, terminal: Terminal): Promise<AppOutcome> {
  const before = readRecord(terminal.env, app.name);
  if (before !== null && howOf(before) !== howOf(record)) {
    tellAside(
      `${app.name}: a reload keeps the options it was started with; those typed now want --or-restart`,
      terminal,
    );
  }
  const order = { verb: 'reload', body: {}, done: 'reloaded', untilFailure: true, timeoutMs: null, json } as const;
  const outcome = await controlOne(app, order, terminal);
  if (!json) writeOutcome(outcome, order, terminal);
  return outcome;
}

function howOf({ flags, args }: LaunchRecord): string {
  return JSON.stringify([Object.entries(flags).sort(), args]);
}
