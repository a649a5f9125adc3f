// Finds the file that an entry names, as `node <entry>` would, and resolves every symbolic link on the way (primary). Node's own resolver is
// not used: it remembers what it found, and would go on naming the old release after a symbolic link has moved to the new one.

import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Node's own order, then what it would only run when named in full. */
const EXTENSIONS = ['.js', '.json', '.node', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

export type ResolvedEntry = { path: string } | { problem: string };

export function resolveEntry(entry: string, cwd: string): ResolvedEntry {
  const wanted = resolve(cwd, entry);
  const found = asFile(wanted) ?? asFolder(wanted);
  if (found === null) {
    return kind(wanted) === 'folder'
      ? { problem: `the folder ${wanted} has no package.json with "main" and no index file` }
      : { problem: `there is no file ${wanted}` };
  }
  try {
    accessSync(found, constants.R_OK);
    return { path: realpathSync(found) };
  } catch {
    return { problem: `the file ${found} cannot be read by this user` };
  }
}

function asFile(path: string): string | null {
  if (kind(path) === 'file') return path;
  const extension = EXTENSIONS.find((candidate) => kind(path + candidate) === 'file');
  return extension === undefined ? null : path + extension;
}

function asFolder(path: string): string | null {
  if (kind(path) !== 'folder') return null;
  const main = mainOf(join(path, 'package.json'));
  return (
    (main !== null ? (asFile(join(path, main)) ?? asFile(join(path, main, 'index'))) : null) ??
    asFile(join(path, 'index'))
  );
}

function mainOf(packageFile: string): string | null {
  try {
    const { main } = JSON.parse(readFileSync(packageFile, 'utf8')) as { main?: unknown };
    return typeof main === 'string' ? main : null;
  } catch {
    return null;
  }
}

function kind(path: string): 'file' | 'folder' | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  return stats.isDirectory() ? 'folder' : 'file';
}
