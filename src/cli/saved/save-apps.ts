// The work of `tutti save`: writes down which apps a boot is to bring back.

import { exitCodes, messageOf, TuttiError } from '../../errors.ts';
import { savedListPath } from '../../files/state-folder.ts';
import { tellAside } from '../failure.ts';
import { knownApps } from '../shared/choose-apps.ts';
import type { Terminal } from '../terminal.ts';
import { writeSaved } from './saved-list.ts';

export interface SaveRequest {
  /** Also that none is to be brought back. */
  force: boolean;
  json: boolean;
  terminal: Terminal;
}

export async function saveApps({ force, json, terminal }: SaveRequest): Promise<number> {
  const { running, orphans, records } = await knownApps(terminal);
  const alive = [...new Set([...running, ...orphans].map(({ name }) => name))];
  const saved = alive
    .map((name) => records.get(name))
    .filter((record) => record !== undefined)
    .sort((a, b) => a.startedAt.localeCompare(b.startedAt))
    .map(({ name }) => name);
  const leftOut = alive.filter((name) => !saved.includes(name));
  for (const name of leftOut) {
    tellAside(
      `${name}: not saved, because it was not started by tutti start; whoever runs it starts it again`,
      terminal,
    );
  }
  if (saved.length === 0 && !force) throw new TuttiError('ERR_NOTHING_TO_SAVE', {});
  const file = savedListPath(terminal.env);
  writeSavedOrSay(saved, file, terminal);
  if (json) terminal.stdout.write(`${JSON.stringify({ schema: 1, saved, leftOut, file })}\n`);
  else terminal.stdout.write(`${saved.length === 0 ? 'No app' : saved.join(', ')}: saved in ${file}\n`);
  return exitCodes.stopped;
}

function writeSavedOrSay(saved: readonly string[], path: string, { env }: Terminal): void {
  try {
    writeSaved(env, saved);
  } catch (error) {
    const reason = messageOf(error);
    throw new TuttiError('ERR_NOT_WRITTEN', { path, reason }, { cause: error });
  }
}
