// A folder of the primary's own, for short-lived private sockets and other things that no one else may reach.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Scratch {
  #folder: string | null = null;

  /** The folder's path; made at the first call, readable by this user alone. */
  path(): string {
    // mkdtemp makes it with mode 0700.
    this.#folder ??= mkdtempSync(join(tmpdir(), 'tutti-'));
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
