// What `npm start` and its like would run: the Node.js program of a script in package.json. The package manager itself is not run; it
// would stand between tutti and the program, and pass no socket on.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PackageProgram {
  entry: string;
  args: readonly string[];
  nodeArgs: readonly string[];
  env: Readonly<Record<string, string>>;
  /** What is odd but no error. */
  warnings: readonly string[];
}

export type PackageScript =
  | { program: PackageProgram }
  /** `why` completes "Cannot start: …". */
  | { why: string; hint: string };

const managers: ReadonlySet<string> = new Set(['npm', 'pnpm', 'yarn', 'bun']);
/** They only load TypeScript, which tutti has done by Node.js itself or by the loader of the project. */
const loaders: ReadonlySet<string> = new Set([
  'tsx',
  'ts-node',
  'ts-node-esm',
  'babel-node',
  'ts-node-dev',
  'swc-node',
]);
/** Options of node whose value is the next word. */
const withValue: ReadonlySet<string> = new Set([
  ...['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions'],
  ...['--env-file', '--env-file-if-exists', '--disable-warning', '--title'],
]);
/** With these node runs no file, or something else beside it. */
const notAlone = /^(-e|-p|-pe|--eval|--print|--test|--run|-c|--check|-i|--interactive)$/;
const nestedAtMost = 5;

/** Whether these words ask a package manager to run something: `npm start`, `yarn run serve`. */
export function asksPackageManager([first = '']: readonly string[]): boolean {
  return managers.has(first);
}

export function isLoader(command: string): boolean {
  return loaders.has(command);
}

/** `folder` is that of package.json. Reads it; never throws. */
export function packageScript(typed: readonly string[], folder: string): PackageScript {
  return scriptOf(typed, folder, nestedAtMost);
}

function scriptOf(typed: readonly string[], folder: string, depth: number): PackageScript {
  const path = join(folder, 'package.json');
  const said = typed.join(' ');
  const asked = nameAndArgs(typed);
  if (asked === null) {
    return {
      why: `"${said}" names no script of a package`,
      hint: 'Name one, as in: tutti start npm -- start; or name the file that it runs.',
    };
  }
  let scripts: Record<string, unknown>;
  try {
    ({ scripts = {} } = JSON.parse(readFileSync(path, 'utf8')) as { scripts?: Record<string, unknown> });
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'is no JSON' : 'cannot be read';
    return {
      why: `"${said}" is a script of a package, and "${path}" ${reason}`,
      hint: 'Go to the folder of the package, or name the file that the script runs.',
    };
  }
  const { name, args } = asked;
  // What npm does where there is no such script.
  const byDefault = name === 'start' && existsSync(join(folder, 'server.js')) ? 'node server.js' : undefined;
  const script = Object.hasOwn(scripts, name) ? scripts[name] : byDefault;
  if (typeof script !== 'string') {
    const names = Object.keys(scripts);
    const has = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
    return {
      why: `there is no script "${name}" in "${path}"; ${has}`,
      hint: 'Name one of those, or the file of the program.',
    };
  }
  const found = programOf(script, folder, depth);
  if ('why' in found) {
    return depth < nestedAtMost
      ? found
      : { ...found, why: `the script "${name}" of "${path}" is \`${script}\`, and ${found.why}` };
  }
  const { program } = found;
  const warnings = Object.hasOwn(scripts, `pre${name}`)
    ? [`"pre${name}" of package.json is not run, as npm would do: run it when you build`]
    : [];
  return { program: { ...program, args: [...program.args, ...args], warnings: [...warnings, ...program.warnings] } };
}

/** Null where no script is named. */
function nameAndArgs([manager, ...more]: readonly string[]): { name: string; args: readonly string[] } | null {
  const flags = more.findIndex((word) => !word.startsWith('-'));
  const words = flags === -1 ? [] : more.slice(flags);
  const [first, second] = words;
  const isRun = first === 'run' || first === 'run-script';
  const name = isRun ? second : first;
  if (name === undefined || name.startsWith('-')) return null;
  // npm has commands of its own beside those.
  if (!isRun && manager === 'npm' && !['start', 'stop', 'test', 'restart'].includes(name)) return null;
  const args = words.slice(isRun ? 2 : 1);
  const cut = args.indexOf('--');
  // What stands before it is for npm itself.
  return { name, args: cut !== -1 ? args.slice(cut + 1) : manager === 'npm' ? [] : args };
}

function programOf(script: string, folder: string, depth: number): PackageScript {
  const words = shellWords(script);
  if (words === null) {
    return {
      why: 'that is work for a shell',
      hint: 'Name the file of the program that it starts at last, and do the rest when you build.',
    };
  }
  const env: Record<string, string> = {};
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    const [, variable, value = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
    if (variable !== undefined) env[variable] = value;
    else if (word !== 'cross-env' && word !== 'exec') break;
  }
  const [command = '', ...rest] = words.slice(at);
  if (managers.has(command)) {
    if (depth === 0) return { why: 'its scripts name each other without end', hint: 'Name the file of the program.' };
    const nested = scriptOf([command, ...rest], folder, depth - 1);
    return 'why' in nested ? nested : { program: { ...nested.program, env: { ...env, ...nested.program.env } } };
  }
  const first = firstOfEntry(rest);
  const entry = rest[first];
  const flags = rest.slice(0, first);
  const isNode = (command === 'node' || command === 'nodejs') && !flags.some((flag) => notAlone.test(flag));
  if (entry !== undefined && (isNode || (isLoader(command) && first === 0 && entry !== 'watch'))) {
    const nodeArgs = flags.filter((flag) => flag !== '--watch');
    const warnings =
      nodeArgs.length < flags.length ? ['node --watch of package.json is left out: tutti has --watch'] : [];
    return { program: { entry, args: rest.slice(first + 1), nodeArgs, env, warnings } };
  }
  return { why: 'that is no call of node', hint: hintFor(command, rest, folder) };
}

function firstOfEntry(words: readonly string[]): number {
  let at = 0;
  while (words[at]?.startsWith('-')) at += withValue.has(words[at] ?? '') ? 2 : 1;
  return at;
}

/** Commands of a package are mostly programs for Node.js, and can be started by their path. */
function hintFor(command: string, args: readonly string[], folder: string): string {
  const path = join('node_modules', '.bin', command);
  if (!/^[\w.-]+$/.test(command) || !existsSync(join(folder, path)))
    return 'Name the file of the program that it starts.';
  const rest = args.length === 0 ? '' : ` -- ${args.join(' ')}`;
  return `Name the file of the server that it has built; or, if ${command} is itself the server, type: tutti start ${path}${rest}`;
}

/** The words of a command line; null where a shell would do more than split it. */
export function shellWords(text: string): string[] | null {
  const words: string[] = [];
  for (const [whole] of text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"']+|["'])+/g)) {
    const bare = whole.replace(/'[^']*'/g, '').replace(/"[^"$`\\]*"/g, '');
    if (/[|&;<>()$`*?{}~#\\"']/.test(bare)) return null;
    words.push(whole.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''));
  }
  return words;
}
