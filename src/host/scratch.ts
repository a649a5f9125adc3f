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
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = null;
  }
}
