// What a command file in commands/ exports. The file itself is loaded on every call of tutti, for its place in the help; what it needs to
// act, it imports inside `action`.

import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** The headings under which `tutti --help` lists the commands, in this order. */
export type CommandGroup = 'Run' | 'Look' | 'Change' | 'Set up';

export interface Invocation {
  /** The arguments before `--`. */
  positionals: readonly string[];
  /** The arguments after `--`. */
  rest: readonly string[];
  /** The command's own options, by commander's camelCase names. */
  options: Readonly<Record<string, unknown>>;
  terminal: Terminal;
  /** The whole command line, with every command. */
  program: () => Command;
}

export interface CommandFile {
  name: string;
  aliases?: readonly string[];
  group: CommandGroup;
  /** One line, for the list of commands. */
  summary: string;
  /** [what to type, what it does] */
  examples: readonly (readonly [string, string])[];
  /** Declares arguments and options. */
  configure: (command: Command) => void;
  /** Does it; the answer is the exit code. Throws TuttiError. */
  action: (invocation: Invocation) => Promise<number>;
}
