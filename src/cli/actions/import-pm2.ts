// The work of `tutti import pm2`.

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { createColors } from 'picocolors';
import { distrust, findConfigFile, loadPm2File } from '../../config/load.ts';
import type { Imported } from '../../config/pm2.ts';
import { configText } from '../../config/write/config-text.ts';
import { exitCodes, messageOf, TuttiError } from '../../errors.ts';
import { checkPlace, outFile } from '../shared/out-file.ts';
import { type Terminal, wantsColor } from '../terminal.ts';

export interface ImportRequest {
  from: string;
  file: string | null;
  out: string | null;
  toStdout: boolean;
  force: boolean;
  json: boolean;
  terminal: Terminal;
}

const usualNames = ['js', 'cjs', 'mjs', 'json', 'yml', 'yaml'].map((end) => `ecosystem.config.${end}`);

export async function importPm2File({
  from,
  file,
  out,
  toStdout,
  force,
  json,
  terminal,
}: ImportRequest): Promise<number> {
  if (from !== 'pm2') {
    throw new TuttiError('ERR_USAGE', {
      problem: `"${from}" cannot be imported`,
      hint: 'Type: tutti import pm2 ecosystem.config.js',
    });
  }
  const path = findConfigFile(terminal.cwd, file ?? usual(terminal.cwd)) ?? '';
  const refused = file === null && existsSync(path) ? distrust(path) : null;
  if (refused !== null) throw refused;
  const target = out === null ? join(dirname(path), 'tutti.config.ts') : outFile(out, '', terminal);
  if (!toStdout) checkPlace(target);
  const { apps, lost } = await loadPm2File(path);
  const text = extname(target) === '.json' ? `${JSON.stringify({ apps }, null, 2)}\n` : configText(apps);
  if (!toStdout) write(target, text, force);
  if (json) {
    const names = apps.map(({ name }) => name ?? null);
    terminal.stdout.write(`${JSON.stringify({ schema: 1, file: toStdout ? null : target, apps: names, lost })}\n`);
  } else if (toStdout) {
    terminal.stdout.write(text);
    tellLost(lost, terminal, terminal.stderr);
  } else {
    const count = `${apps.length} app${apps.length === 1 ? '' : 's'}`;
    const shown = relative(terminal.cwd, target);
    const { green } = createColors(wantsColor(terminal, terminal.stdout));
    terminal.stdout.write(`${green('✔')} ${count} written to ${shown}\n`);
    tellLost(lost, terminal, terminal.stdout);
    terminal.stdout.write(`To see every value: tutti check -c ${shown}. To start: tutti start -c ${shown}\n`);
  }
  return exitCodes.stopped;
}

function usual(folder: string): string {
  return usualNames.find((name) => existsSync(join(folder, name))) ?? 'ecosystem.config.js';
}

function write(path: string, text: string, force: boolean): void {
  try {
    // Not written over: another user may have put a link there.
    if (force) rmSync(path, { force: true });
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (exists) throw new TuttiError('ERR_IMPORT_EXISTS', { path });
    const reason = messageOf(error);
    throw new TuttiError('ERR_IMPORT_UNWRITABLE', { path, reason }, { cause: error });
  }
}

function tellLost(lost: Imported['lost'], terminal: Terminal, output: Terminal['stdout']): void {
  if (lost.length === 0) return;
  const { yellow, dim } = createColors(wantsColor(terminal, output));
  const rows = lost.map(({ app, key, why }) => ({ what: app === null ? key : `${app}: ${key}`, why }));
  const width = Math.min(40, Math.max(...rows.map(({ what }) => what.length)));
  const lines = rows.map(({ what, why }) => `  ${yellow(what.padEnd(width))}  ${dim(why)}\n`);
  output.write(`Not carried over:\n${lines.join('')}`);
}
