// Finds the file that an entry means, as `node <entry>` would, and resolves every symbolic link on the way. Node's own resolver is not
// used: it remembers what it found, and would go on naming the old release after a symbolic link has moved to the new one.

import { accessSync, constants, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TuttiError } from '../../errors.ts';
import { reasonOf } from '../load.ts';
import { suggest } from '../suggest.ts';
import { foreignProgram, launchers } from './foreign-program.ts';

/** What node adds to a path that does not exist as it stands. */
const extensions = ['.js', '.json', '.node'];

/** The real path of the program, or the error that says why there is none. `entry` is absolute. */
export function resolveEntry(entry: string): string {
  try {
    const found = asFile(entry) ?? asFolder(entry);
    if (found === null) {
      throw kindOf(entry) === 'folder'
        ? new TuttiError('ERR_ENTRY_IS_FOLDER', { entry })
        : new TuttiError('ERR_ENTRY_NOT_FOUND', { entry, hint: neighbour(entry) });
    }
    accessSync(found, constants.R_OK);
    const real = realpathSync(found);
    const what = foreignProgram(real);
    if (what !== null) throw new TuttiError('ERR_ENTRY_NOT_NODE', { entry, what });
    return real;
  } catch (error) {
    if (error instanceof TuttiError) throw error;
    throw new TuttiError('ERR_ENTRY_UNREADABLE', { entry, reason: reasonOf(error) }, { cause: error });
  }
}

function asFile(path: string): string | null {
  if (kindOf(path) === 'file') return path;
  const extension = extensions.find((candidate) => kindOf(path + candidate) === 'file');
  return extension === undefined ? null : path + extension;
}

function asFolder(path: string): string | null {
  if (kindOf(path) !== 'folder') return null;
  const main = mainOf(join(path, 'package.json'));
  const named = main === null ? null : (asFile(join(path, main)) ?? asFile(join(path, main, 'index')));
  return named ?? asFile(join(path, 'index'));
}

/** What package.json calls its program. */
export function mainOf(packageFile: string): string | null {
  try {
    const { main } = JSON.parse(readFileSync(packageFile, 'utf8')) as { main?: unknown };
    return typeof main === 'string' ? main : null;
  } catch {
    // Without a readable package.json the folder's index decides, as in node.
    return null;
  }
}

function kindOf(path: string): 'file' | 'folder' | null {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? null : stats.isDirectory() ? 'folder' : 'file';
  } catch (error) {
    // A file where a folder should be on the way: there is nothing at this path.
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return null;
    throw error;
  }
}

function neighbour(entry: string): string {
  const folder = dirname(entry);
  const [command = '', ...more] = basename(entry).split(' ');
  if (launchers.has(command)) return `${command} only starts another program: name the file that it runs.`;
  if (command === 'node' && more.length > 0) return 'Leave node out: tutti runs the file by itself.';
  const otherwise =
    'Correct the path; it is relative to the current folder, or to the configuration file that names it.';
  try {
    const near = suggest(basename(entry), readdirSync(folder));
    return near === null ? otherwise : `Did you mean "${join(folder, near)}"?`;
  } catch {
    // The folder itself is missing or closed to us.
    return `The folder "${folder}" cannot be read either. ${otherwise}`;
  }
}
