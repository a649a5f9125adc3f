// A private folder of the primary, for short-lived sockets and other things that nobody else may reach (primary).

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { messageOf } from '../errors.ts';
import { ownMark, removeLeftovers } from './leftovers.ts';

/** The longest path of a unix socket: 108 bytes on Linux, 104 on BSD and macOS, both with a final zero. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
/** `/probe-999999999.sock` is the longest name that is put into it. */
const NAME_BYTES = 21;

export class Scratch {
  #folder: string | null = null;

  /**
   * The folder's path. It is created at the first call, and again if a clean-up of temporary files has removed it. Only this user can read
   * it. Throws if it cannot be created.
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
      // Nothing in it matters any more, and the end of the app must not fail because of it.
    }
  }
}

function make(): string {
  const prefix = `tutti-${ownMark()}-`;
  const reasons: string[] = [];
  // A session or a build may have a temporary folder with a path that is too long for a socket. The others are short.
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
      reasons.push(messageOf(error));
    }
  }
  throw new Error(`no folder for private sockets can be made (set TMPDIR to one): ${reasons.join('; ')}`);
}
