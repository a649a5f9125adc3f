// The work of `tutti init`.

import { existsSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createColors } from 'picocolors';
import { mainOf } from '../../config/entry/entry.ts';
import { packageScript } from '../../config/entry/package-script.ts';
import { firstConfigText } from '../../config/write/first-config.ts';
import { exitCodes, TuttiError } from '../../errors.ts';
import { writing } from '../failure.ts';
import { checkFree, outFile } from '../shared/out-file.ts';
import { type Terminal, wantsColor } from '../terminal.ts';

export interface InitRequest {
  entry: string | undefined;
  out: unknown;
  toStdout: boolean;
  terminal: Terminal;
}

/** What servers are mostly called, most likely first. */
const usual = [
  'dist/server.js',
  'dist/main.js',
  'dist/index.js',
  'server.ts',
  'server.js',
  'app.js',
  'index.js',
  'main.js',
];

export function writeFirstConfig({ entry, out, toStdout, terminal }: InitRequest): number {
  const target = outFile(out, 'tutti.config.ts', terminal);
  if (!toStdout) checkFree(target);
  const program = entry ?? programOf(terminal.cwd);
  if (program === null) {
    throw new TuttiError('ERR_USAGE', {
      problem: `which program is meant cannot be told from "${terminal.cwd}"`,
      hint: 'Name it, as in: tutti init server.js',
    });
  }
  const text = firstConfigText(program);
  if (toStdout) {
    terminal.stdout.write(text);
    return exitCodes.stopped;
  }
  // Not written over: somebody may have made one in the meantime.
  writing(target, () => writeFileSync(target, text, { flag: 'wx' }));
  const shown = relative(terminal.cwd, target);
  const config = shown === 'tutti.config.ts' ? '' : ` -c ${shown}`;
  const { green } = createColors(wantsColor(terminal, terminal.stdout));
  terminal.stdout.write(`${green('✔')} ${shown} written, for ${program}\n`);
  terminal.stdout.write(`To see every value: tutti check${config}. To start: tutti start${config}\n`);
  return exitCodes.stopped;
}

function programOf(folder: string): string | null {
  const script = packageScript(['npm', 'start'], folder);
  if ('program' in script) return script.program.entry;
  const main = mainOf(join(folder, 'package.json'));
  return [...(main === null ? [] : [main]), ...usual].find((name) => existsSync(join(folder, name))) ?? null;
}
