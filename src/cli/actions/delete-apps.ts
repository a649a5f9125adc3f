// The work of `tutti delete`: forgets how an app is started, and the token that controlled it. Logs and incidents stay as evidence.

import { rmSync } from 'node:fs';
import { findLeftBehind, forgetDead } from '../../app/orphans/orphans.ts';
import { exitCodes, TuttiError } from '../../errors.ts';
import { isAppName } from '../../files/app-name.ts';
import { appPaths, controlPaths, stateFolders } from '../../files/state-folder.ts';
import { writing } from '../failure.ts';
import { forgetSaved } from '../saved/saved-list.ts';
import { abandoned, chooseKnown, looksLikeFile, namesOf, settledApps } from '../shared/choose-apps.ts';
import { asJson } from '../shared/control.ts';
import { readRecord, removeRecord } from '../shared/launch-record.ts';
import { worstExitCode } from '../shared/outcome.ts';
import type { Terminal } from '../terminal.ts';
import { type EndRequest, stopEach } from './stop-apps.ts';

export async function deleteApps({ names: typed, fast, json, terminal }: EndRequest): Promise<number> {
  const known = await settledApps(terminal);
  const names = await namesOf(typed, known, terminal);
  if (names.length === 0) {
    throw new TuttiError('ERR_USAGE', {
      problem: 'the app is missing',
      hint: 'Name it, as in: tutti delete web. For every app: tutti delete all',
    });
  }
  const left = abandoned(known);
  const everything = [...new Set([...known.running, ...known.stopped, ...left].map((app) => app.name))];
  const fromFile = names.some((name) => everything.includes(name)) && typed.some(looksLikeFile);
  const named = fromFile ? names.filter((name) => everything.includes(name)) : names;
  const meant = names.includes('all') ? everything : [...new Set(named)];
  const orphans = left.filter(({ name }) => meant.includes(name));
  const others = meant.filter((name) => !orphans.some((one) => one.name === name));
  const { running } =
    others.length > 0 || orphans.length === 0 ? await chooseKnown(others, known, terminal, 'delete') : { running: [] };
  const outcomes = await stopEach({ apps: running, orphans }, { fast, json, timeoutMs: null }, terminal);
  const code = worstExitCode(outcomes);
  const deleted = code === exitCodes.stopped ? meant : [];
  for (const name of deleted) {
    const had = readRecord(terminal.env, name) !== null;
    forget(terminal, name);
    forgetDead(terminal.env, findLeftBehind(terminal.env, name).dead);
    if (!json && had) terminal.stdout.write(`${name}: deleted\n`);
  }
  const ended = asJson([...orphans, ...running], outcomes);
  if (json) terminal.stdout.write(`${JSON.stringify({ schema: 1, deleted, ...ended })}\n`);
  return code;
}

function forget({ env }: Terminal, name: string): void {
  writing(appPaths(env, name).record, () => {
    removeRecord(env, name);
    forgetSaved(env, name);
  });
  forgetToken(env, name);
}

/** Whoever has it must not hold a key to another app that is given this name later. */
function forgetToken(env: Terminal['env'], name: string): void {
  if (!isAppName(name)) return;
  for (const state of stateFolders(env)) {
    try {
      rmSync(controlPaths(state, name).token, { force: true });
    } catch {
      // A folder that cannot be written: nothing can be forgotten there.
    }
  }
}
