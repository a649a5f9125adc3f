// Remembers what the files of a generation looked like on disk, to find out later whether the same code would still be loaded (primary).
// Nothing outside tells which files an ES module graph loads, so these are the source files of the entry's package. Dependencies are left
// out: they come from an install, and there are thousands of them.

import { existsSync, stat } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';

const CODE = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.jsx', '.tsx', '.node', '.wasm']);
const LEFT_OUT = new Set(['node_modules', 'bower_components', 'coverage', 'test', 'tests']);
/** Files that tutti itself reads. They say how the program runs and are not a part of it. */
const CONFIGURATION = /^(tutti|ecosystem)\.config\.[cm]?[jt]s$/;
/** What more is loaded is not watched for changes: to read it all would cost the primary its answers. Chosen, not measured. */
const MOST_FILES = 500;
const MOST_FOLDERS = 300;
/** Enough that the answers come in batches. One by one, each would wake this process. */
const AT_ONCE = 64;

/** Path → size, time of change and inode. */
export type Fingerprint = ReadonlyMap<string, string>;

export async function takeFingerprint(entry: string): Promise<Fingerprint> {
  const paths = new Set([entry, ...(await sourceFiles(packageFolder(entry)))]);
  const marks = new Map<string, string>();
  await lookAt(paths, (path, mark) => {
    marks.set(path, mark);
    return true;
  });
  return marks;
}

/** A file that has changed, or null. */
export async function changedFile(fingerprint: Fingerprint): Promise<string | null> {
  let changed: string | null = null;
  await lookAt(fingerprint.keys(), (path, mark) => {
    if (mark !== fingerprint.get(path)) changed ??= path;
    return changed === null;
  });
  return changed;
}

/** A few at a time; stops early when `look` returns false. Uses callbacks, because promises cost several times as much. */
function lookAt(paths: Iterable<string>, look: (path: string, mark: string) => boolean): Promise<void> {
  const rest = paths[Symbol.iterator]();
  let isOver = false;
  let open = 0;
  return new Promise((done) => {
    const more = (): void => {
      while (!isOver && open < AT_ONCE) {
        const next = rest.next();
        isOver = Boolean(next.done);
        if (next.done) break;
        open += 1;
        stat(next.value, (error, found) => {
          open -= 1;
          const mark = error === null ? `${found.size} ${found.mtimeMs} ${found.ino}` : 'absent';
          if (!look(next.value, mark)) isOver = true;
          more();
        });
      }
      if (open === 0) done();
    };
    more();
  });
}

/** The nearest folder above with a package.json, otherwise the entry's own. */
function packageFolder(entry: string): string {
  const own = dirname(entry);
  for (let folder = own; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return own;
  }
}

function isCode(name: string): boolean {
  return CODE.has(extname(name)) && !CONFIGURATION.test(name);
}

/** Breadth first, so that the bounds cut off the deepest files. */
async function sourceFiles(top: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [top];
  for (let i = 0; i < folders.length && i < MOST_FOLDERS && files.length < MOST_FILES; i++) {
    const folder = folders[i] as string;
    for (const item of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (item.isDirectory() && !item.name.startsWith('.') && !LEFT_OUT.has(item.name))
        folders.push(join(folder, item.name));
      else if (item.isFile() && isCode(item.name)) files.push(join(folder, item.name));
    }
  }
  return files.slice(0, MOST_FILES);
}
