// Remembers what the files of a generation looked like on disk, so that it can be told later whether the same code would still
// be loaded (primary). Which files an ES module graph loads cannot be asked from outside, so it is the source files of the entry's
// package, dependencies left out: they come from an install, and there are thousands of them.

import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';

const CODE = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.jsx', '.tsx', '.node', '.wasm']);
const LEFT_OUT = new Set(['node_modules', 'bower_components', 'coverage', 'test', 'tests']);
const MOST_FILES = 1000;
const MOST_FOLDERS = 500;

/** Path → size, time of change and inode. */
export type Fingerprint = ReadonlyMap<string, string>;

export async function takeFingerprint(entry: string): Promise<Fingerprint> {
  const paths = new Set([entry, ...(await sourceFiles(packageFolder(entry)))]);
  const marks = await Promise.all([...paths].map(async (path) => [path, await mark(path)] as const));
  return new Map(marks);
}

/** The first file that is not any more what it was, or null. */
export async function changedFile(fingerprint: Fingerprint): Promise<string | null> {
  const checks = await Promise.all(
    [...fingerprint].map(async ([path, before]) => ((await mark(path)) === before ? null : path)),
  );
  return checks.find((path) => path !== null) ?? null;
}

async function mark(path: string): Promise<string> {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    return `${size} ${mtimeMs} ${ino}`;
  } catch {
    return 'absent';
  }
}

/** The nearest folder above with a package.json, else the entry's own. */
function packageFolder(entry: string): string {
  const own = dirname(entry);
  for (let folder = own; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return own;
  }
}

/** Breadth first, so that the bounds cut off what lies deepest. */
async function sourceFiles(top: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [top];
  for (let i = 0; i < folders.length && i < MOST_FOLDERS && files.length < MOST_FILES; i++) {
    const folder = folders[i] as string;
    for (const item of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (item.isDirectory() && !item.name.startsWith('.') && !LEFT_OUT.has(item.name))
        folders.push(join(folder, item.name));
      else if (item.isFile() && CODE.has(extname(item.name))) files.push(join(folder, item.name));
    }
  }
  return files.slice(0, MOST_FILES);
}
