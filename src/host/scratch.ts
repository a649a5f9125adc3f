// A folder of the primary's own, for short-lived private sockets and other things that no one else may reach.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ownMark, removeLeftovers } from './leftovers.ts';

/** The longest path that the kernel takes for a unix socket (Linux 108, BSD and macOS 104, both with a final zero). */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
/** `/probe-999999999.sock` is the longest name that is put into it. */
const NAME_BYTES = 21;

export class Scratch {
  #folder: string | null = null;

  /**
   * The folder's path; made at the first call, and again when somebody's cleaning of temporary files has taken it away. Readable by this
   * user alone. Throws when none can be made.
   */
  path(): string {
    if (this.#folder === null || !existsSync(this.#folder)) this.#folder = make();
    return this.#folder;
  }

  remove(): void {
    const folder = this.#folder;
    this.#folder = null;
    if (folder === null) return;
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Nothing of it matters any more; the end of the app must not fail on it.
    }
  }
}

function make(): string {
  const prefix = `tutti-${ownMark()}-`;
  const reasons: string[] = [];
  // A session or a build may have a temporary folder whose path is too long for a socket; the others are short.
  for (const parent of new Set([tmpdir(), '/tmp', '/dev/shm', '/var/tmp'])) {
    const bytes = Buffer.byteLength(join(parent, `${prefix}XXXXXX`)) + NAME_BYTES;
    if (bytes > MAX_SOCKET_PATH_BYTES && process.platform !== 'win32') {
      reasons.push(
        `in ${parent} the path of a socket would have ${bytes} bytes and the system allows ${MAX_SOCKET_PATH_BYTES}`,
      );
      continue;
    }
    removeLeftovers(parent, /^tutti-(\d+)-(\d+)-[A-Za-z0-9]{6}$/);
    try {
      // mkdtemp makes it with mode 0700.
      return mkdtempSync(join(parent, prefix));
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`no folder for private sockets can be made (set TMPDIR to one): ${reasons.join('; ')}`);
}
