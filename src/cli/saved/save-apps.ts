// The work of `tutti save`: writes down which apps a boot is to bring back.

import { exitCodes, TuttiError } from '../../errors.ts';
import { savedListPath } from '../../files/state-folder.ts';
import { tellAside, writing } from '../failure.ts';
import { knownApps } from '../shared/choose-apps.ts';
import { inOrderOfStart } from '../shared/launch-record.ts';
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
  const saved = inOrderOfStart(alive.map((name) => records.get(name)).filter((record) => record !== undefined));
  const leftOut = alive.filter((name) => !saved.includes(name));
  for (const name of leftOut) {
    tellAside(
      `${name}: not saved, because it was not started by tutti start; whoever runs it starts it again`,
      terminal,
    );
  }
  if (saved.length === 0 && !force) throw new TuttiError('ERR_NOTHING_TO_SAVE', {});
  const file = savedListPath(terminal.env);
  writing(file, () => writeSaved(terminal.env, saved));
  if (json) terminal.stdout.write(`${JSON.stringify({ schema: 1, saved, leftOut, file })}\n`);
  else terminal.stdout.write(`${saved.length === 0 ? 'No app' : saved.join(', ')}: saved in ${file}\n`);
  return exitCodes.stopped;
}
