// What the path of a log file leads to. A descriptor such as /dev/stdout is somebody else's file or pipe under another name, so it is
// never renamed; of a symbolic link the file behind it is meant. Used by the primary and by the log process.

import { mkdir, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

export interface LogPlace {
  /** The file at the end of all symbolic links, or the descriptor's path. */
  path: string;
  /** Its number, if it is one of this process; 'foreign' if it is another's. */
  descriptor: number | 'foreign' | null;
}

/** As many links in a row as the kernel follows. */
const MOST_LINKS = 40;
const standard: Readonly<Record<string, number>> = { '/dev/stdin': 0, '/dev/stdout': 1, '/dev/stderr': 2 };

/** Never rejects: what cannot be looked at is found out when it is opened. */
export async function placeOf(file: string): Promise<LogPlace> {
  let path = resolve(file);
  for (let i = 0; i < MOST_LINKS; i++) {
    const descriptor = descriptorOf(path);
    if (descriptor !== null) return { path, descriptor };
    path = join(await realFolder(path), basename(path));
    const real = descriptorOf(path);
    if (real !== null) return { path, descriptor: real };
    try {
      path = resolve(dirname(path), await readlink(path));
    } catch {
      break; // no link, or nothing there
    }
  }
  return { path, descriptor: null };
}

function descriptorOf(path: string): LogPlace['descriptor'] {
  const own = /^\/(?:dev|proc\/self|proc\/thread-self|proc\/self\/task\/\d+)\/fd\/(\d+)$/.exec(path)?.[1];
  if (own !== undefined) return Number(own);
  const [, pid, fd] = /^\/proc\/(\d+)\/(?:task\/\d+\/)?fd\/(\d+)$/.exec(path) ?? [];
  if (fd !== undefined) return Number(pid) === process.pid ? Number(fd) : 'foreign';
  return standard[path] ?? null;
}

function realFolder(path: string): Promise<string> {
  return realpath(dirname(path)).catch(() => dirname(path));
}

/** Like mkdir -p. Node's own never comes back for a folder below /proc. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o750 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder, { mode: 0o750 });
  }
}
