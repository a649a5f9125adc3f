// What a command may use of the process it runs in. Read once, in bin.ts, so that everything below it can be tested as a function.

import { isatty } from 'node:tty';
import type { createColors } from 'picocolors';
import { currentFolder } from '../config/entry/current-folder.ts';
import { visible } from '../logs/own/visible.ts';

export type Colors = ReturnType<typeof createColors>;

export interface Output {
  /** On a terminal, what is no colour is shown instead of done (logs/own/visible.ts). */
  write: (text: string | Uint8Array) => unknown;
  /** As it is, for who moves the cursor; text from elsewhere must have passed the filter. */
  draw?: (text: string) => unknown;
  isTTY?: boolean;
  /** The descriptor, if it is one. */
  fd?: number;
  columns?: number;
  rows?: number;
  /** Aborts when its reader has gone: nobody sees what is written from then on. */
  gone?: AbortSignal;
}

export interface Terminal {
  /** Without node and the script. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  stdout: Output;
  stderr: Output;
}

export function terminalOf(process: NodeJS.Process): Terminal {
  const { argv, env } = process;
  return {
    argv: argv.slice(2),
    env,
    cwd: currentFolder(env),
    stdout: new LateOutput(1, () => process.stdout),
    stderr: new LateOutput(2, () => process.stderr),
  };
}

/** Opens Node's stream when something is written to it: it takes some milliseconds, in which `tutti run` forks its workers. */
class LateOutput implements Output {
  readonly fd: number;
  readonly #open: () => NodeJS.WriteStream;
  readonly #gone = new AbortController();
  #stream: NodeJS.WriteStream | null = null;

  constructor(fd: number, open: () => NodeJS.WriteStream) {
    this.fd = fd;
    this.#open = open;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get isTTY(): boolean {
    return isatty(this.fd);
  }

  get columns(): number {
    return this.#get().columns;
  }

  get rows(): number {
    return this.#get().rows;
  }

  write(text: string | Uint8Array): unknown {
    return this.#get().write(typeof text === 'string' && this.isTTY ? visible(text) : text);
  }

  draw(text: string): unknown {
    return this.#get().write(text);
  }

  #get(): NodeJS.WriteStream {
    // Without a listener, a reader that goes away (tutti run | head) or a terminal that is closed would end the supervisor.
    this.#stream ??= this.#open().on('error', () => this.#gone.abort());
    return this.#stream;
  }
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
