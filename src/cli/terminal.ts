// What a command may use of the process it runs in. Read once, in bin.ts, so that everything below it can be tested as a function.

import type { createColors } from 'picocolors';

export type Colors = ReturnType<typeof createColors>;

import { currentFolder } from '../config/current-folder.ts';

export interface Output {
  write: (text: string | Uint8Array) => unknown;
  isTTY?: boolean;
  /** The descriptor, if it is one. */
  fd?: number;
  columns?: number;
  rows?: number;
}

export interface Terminal {
  /** Without node and the script. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  stdout: Output;
  stderr: Output;
}

export function terminalOf({ argv, env, stdout, stderr }: NodeJS.Process): Terminal {
  return { argv: argv.slice(2), env, cwd: currentFolder(env), stdout, stderr };
}

/** Commander lumps what stands after `--` together with the arguments before it; only the latter are tutti's own. */
export function splitArguments(argv: readonly string[]): { own: readonly string[]; rest: readonly string[] } {
  const cut = argv.indexOf('--');
  return cut === -1 ? { own: argv, rest: [] } : { own: argv.slice(0, cut), rest: argv.slice(cut + 1) };
}

/** Colour and motion only where a person looks, and never against NO_COLOR or FORCE_COLOR. */
export function wantsColor(terminal: Terminal, output: Output): boolean {
  if (terminal.env.NO_COLOR) return false;
  if (terminal.env.FORCE_COLOR) return terminal.env.FORCE_COLOR !== '0';
  return output.isTTY === true && terminal.env.TERM !== 'dumb';
}
