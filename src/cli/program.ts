// The command line: picks the command, runs it, answers its exit code. A new command is one file in commands/ and one line here.

import { Command, CommanderError } from 'commander';
import { createColors } from 'picocolors';
import { suggest } from '../config/suggest.ts';
import { TuttiError } from '../errors.ts';
import { version } from '../version.ts';
import type { CommandFile } from './command.ts';
import { flush } from './commands/change/flush.ts';
import { recycle } from './commands/change/recycle.ts';
import { reload } from './commands/change/reload.ts';
import { rollback } from './commands/change/rollback.ts';
import { scale } from './commands/change/scale.ts';
import { upgrade } from './commands/change/upgrade.ts';
import { describe } from './commands/look/describe.ts';
import { env } from './commands/look/env.ts';
import { events } from './commands/look/events.ts';
import { heap } from './commands/look/heap.ts';
import { logs } from './commands/look/logs.ts';
import { profile } from './commands/look/profile.ts';
import { stack } from './commands/look/stack.ts';
import { status } from './commands/look/status.ts';
import { top } from './commands/look/top.ts';
import { del } from './commands/run/delete.ts';
import { lambda } from './commands/run/lambda.ts';
import { restart } from './commands/run/restart.ts';
import { resurrect } from './commands/run/resurrect.ts';
import { run } from './commands/run/run.ts';
import { save } from './commands/run/save.ts';
import { start } from './commands/run/start.ts';
import { stop } from './commands/run/stop.ts';
import { check } from './commands/set-up/check.ts';
import { completion } from './commands/set-up/completion.ts';
import { doctor } from './commands/set-up/doctor.ts';
import { exportTo } from './commands/set-up/export.ts';
import { importFrom } from './commands/set-up/import.ts';
import { init } from './commands/set-up/init.ts';
import { service } from './commands/set-up/service.ts';
import { tellAside, tellFailure } from './failure.ts';
import { splitArguments, type Terminal, wantsColor } from './terminal.ts';

const commands: readonly CommandFile[] = [
  run,
  start,
  save,
  resurrect,
  status,
  top,
  events,
  logs,
  describe,
  env,
  stack,
  profile,
  heap,
  reload,
  upgrade,
  rollback,
  scale,
  recycle,
  flush,
  stop,
  restart,
  del,
  check,
  doctor,
  service,
  exportTo,
  init,
  importFrom,
  lambda,
  completion,
];

const programExamples: CommandFile['examples'] = [
  ['tutti run server.js', 'on every core, in the foreground'],
  ['tutti run server.ts -i 4 --probe /healthz', 'four workers, each asked before it serves'],
  ['tutti check', 'show every option, its value, and where it came from'],
];

export async function runCli(terminal: Terminal): Promise<number> {
  const { own, rest } = splitArguments(terminal.argv);
  try {
    return await runOne(own, rest, terminal);
  } catch (error) {
    if (!(error instanceof CommanderError)) return tellFailure(error, terminal);
    if (error.exitCode === 0) return 0;
    try {
      return await asPm2Says(own, rest, error, terminal);
    } catch (last) {
      if (!(last instanceof CommanderError)) return tellFailure(last, terminal);
      return last.exitCode === 0 ? 0 : tellFailure(await asUsage(last, own), terminal);
    }
  }
}

/** What cannot be understood may be said in words of PM2. */
async function asPm2Says(
  own: readonly string[],
  rest: readonly string[],
  error: CommanderError,
  terminal: Terminal,
): Promise<number> {
  if (!['commander.unknownCommand', 'commander.unknownOption'].includes(error.code)) throw error;
  const { inOurWords } = await import('./pm2/understand.ts');
  const { argv, asides } = inOurWords(own, ownFlags);
  if (argv.length === own.length && argv.every((word, at) => word === own[at])) throw error;
  for (const aside of asides) tellAside(aside, terminal);
  return runOne(argv, rest, terminal);
}

function ownFlags(word: string): { name: string; flags: ReadonlyMap<string, boolean> } | null {
  const file = commandOf(word);
  if (file === undefined) return null;
  const command = new Command();
  file.configure(command);
  const flags = command.options.flatMap(({ short, long, required }) =>
    [short, long].flatMap((flag) => (flag ? [[flag, required] as const] : [])),
  );
  return { name: file.name, flags: new Map([...flags, ['-h', false], ['--help', false]]) };
}

function commandOf(word: string): CommandFile | undefined {
  return commands.find(({ name, aliases }) => name === word || aliases?.includes(word));
}

/** Throws a CommanderError for what cannot be understood. */
async function runOne(ours: readonly string[], rest: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(
    terminal,
    async (file, command) => {
      const whole = (): Command => buildProgram(terminal, async () => {});
      const given = { positionals: command.args, rest, options: command.opts() };
      exitCode = await file.action({ ...given, terminal, program: whole });
    },
    commandOf(ours[0] ?? ''),
  );
  if (ours.length === 0) {
    program.outputHelp({ error: true });
    throw new TuttiError('ERR_USAGE', {
      problem: 'a command is missing',
      hint: 'To begin, type: tutti run server.js',
    });
  }
  await program.parseAsync(ours, { from: 'user' });
  return exitCode;
}

/** With `only`, no time is spent on the other commands. */
export function buildProgram(
  terminal: Terminal,
  act: (file: CommandFile, command: Command) => Promise<void>,
  only?: CommandFile,
): Command {
  const colors = createColors(wantsColor(terminal, terminal.stdout));
  const program = new Command('tutti')
    .description('Runs any unmodified Node.js server on every core and loses nothing while it does.')
    .version(version, '-v, --version', 'Print the version of tutti.')
    .helpOption('-h, --help', 'Print this help.')
    .helpCommand('help [command]', 'Explain a command.')
    .addHelpText('after', examplesText(programExamples, colors.dim))
    .showSuggestionAfterError(true)
    .enablePositionalOptions();
  program.helpCommand(true);
  for (const file of only === undefined ? commands : [only]) {
    const command = program
      .command(file.name)
      .summary(file.summary)
      .description(file.summary)
      .helpGroup(`${file.group}:`);
    for (const alias of file.aliases ?? []) command.alias(alias);
    file.configure(command);
    command.helpOption('-h, --help', 'Print this help.');
    command.addHelpText('after', examplesText(file.examples, colors.dim));
    command.action(() => act(file, command));
  }
  for (const each of [program, ...program.commands]) {
    each.exitOverride().configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      // Errors are told by tellFailure(), in one form; only help that was asked for by omission is written here.
      writeErr: (text) => (text.startsWith('error:') ? undefined : terminal.stderr.write(text)),
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(terminal.stdout.columns ?? 100, 120),
      getErrHelpWidth: () => Math.min(terminal.stderr.columns ?? 100, 120),
    });
    each.configureHelp({ styleTitle: (title) => colors.bold(title), showGlobalOptions: false });
  }
  return program;
}

function examplesText(examples: CommandFile['examples'], dim: (text: string) => string): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  return `\nExamples:\n${examples.map(([line, what]) => `  ${line.padEnd(width)}  ${dim(what)}`).join('\n')}\n`;
}

/** Commander's wording, in our form: the problem, then what to do. */
async function asUsage(error: CommanderError, argv: readonly string[]): Promise<TuttiError> {
  const [first = ''] = error.message.replace(/^error: /, '').split('\n');
  const command = commandOf(argv[0] ?? '');
  const help = `See tutti ${command === undefined ? '' : `${command.name} `}--help.`;
  const problem = first.replace(/'([^']*)'/g, '"$1"').replace(/\.$/, '');
  const word = /"([^"]*)"/.exec(problem)?.[1] ?? '';
  if (error.code === 'commander.unknownCommand' && (/\.[cm]?[jt]sx?$/.test(word) || word.includes('/'))) {
    return new TuttiError('ERR_USAGE', { problem, hint: `To run a program, type: tutti run ${word}` });
  }
  const guess = suggest(word, await knownWords(error.code, command));
  const mayBeForApp = ['commander.unknownOption', 'commander.excessArguments'].includes(error.code);
  const forApp = mayBeForApp && (command?.name === 'run' || command?.name === 'start');
  const otherwise = forApp ? `Arguments of the program itself stand after --. ${help}` : help;
  return new TuttiError('ERR_USAGE', {
    problem,
    hint: guess === null ? otherwise : `Did you mean ${guess}? ${help}`,
  });
}

/** What may have been meant. Commander's own guesses often have little in common with what was typed. */
async function knownWords(code: string, command: CommandFile | undefined): Promise<string[]> {
  const { commands: ofPm2, flags } = await import('./pm2/words.ts');
  if (code === 'commander.unknownCommand') {
    const own = commands.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    return [...own, ...ofPm2.flatMap(({ words }) => words)];
  }
  if (code !== 'commander.unknownOption' || command === undefined) return [];
  const own = [...(ownFlags(command.name)?.flags.keys() ?? [])];
  const pm2s = flags.filter(({ of }) => of.includes(command.name)).flatMap((row) => row.flags);
  return [...own, ...pm2s].filter((flag) => flag.startsWith('--'));
}
