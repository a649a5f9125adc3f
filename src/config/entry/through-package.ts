// `tutti start npm -- start`: what was typed, with the program that the script of package.json runs in the place of the package manager.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { TuttiError } from '../../errors.ts';
import type { OptionName } from '../options.ts';
import { asksPackageManager, packageScript, shellWords } from './package-script.ts';

export interface Typed {
  entry: string | undefined;
  args: readonly string[];
  flags: Readonly<Partial<Record<OptionName, readonly string[] | boolean>>>;
}

/** As it is where a file is meant. Throws a TuttiError where the script runs no file of node. */
export function throughPackage(typed: Typed, cwd: string): Typed & { warnings: readonly string[] } {
  const { entry, args, flags } = typed;
  const folder = resolve(cwd, last(flags.cwd) ?? '.');
  // A file of that name is meant before anything else.
  if (entry === undefined || existsSync(resolve(cwd, entry))) return { ...typed, warnings: [] };
  const words = [...(shellWords(entry) ?? []), ...args];
  if (!asksPackageManager(words)) return { ...typed, warnings: [] };
  const found = packageScript(words, folder);
  if ('why' in found) throw new TuttiError('ERR_PACKAGE_SCRIPT', found);
  const { program } = found;
  const env = Object.entries(program.env).map(([name, value]) => `${name}=${value}`);
  return {
    entry: resolve(folder, program.entry),
    args: program.args,
    flags: {
      ...flags,
      ...(program.nodeArgs.length > 0 && { nodeArgs: [...program.nodeArgs, ...texts(flags.nodeArgs)] }),
      ...(env.length > 0 && { env: [...env, ...texts(flags.env)] }),
    },
    warnings: program.warnings,
  };
}

function texts(given: readonly string[] | boolean | undefined): readonly string[] {
  return Array.isArray(given) ? given : [];
}

function last(given: readonly string[] | boolean | undefined): string | undefined {
  return texts(given).at(-1);
}
