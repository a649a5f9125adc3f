// A file from a worker that runs as another user: it cannot write where we keep ours, and what it wrote is not to be trusted (primary).

import {
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  fstatSync,
  mkdtempSync,
  openSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ownMark } from '../leftovers.ts';
import { type Account, asAccount } from './as-account.ts';

export class Transit {
  /** Where the worker writes. */
  readonly path: string;
  readonly #folder: string;
  readonly #account: Account;

  /** Throws where no folder can be made. */
  constructor(account: Account, name: string) {
    this.#account = account;
    this.#folder = asAccount(account, () => mkdtempSync(join(tmpdir(), `tutti-${ownMark()}-`)));
    this.path = join(this.#folder, name);
  }

  /** Copies what was written, if it is a file of that user, to a new file of our own, and removes it. */
  async deliver(to: string): Promise<void> {
    try {
      // Not through a link to a file that the worker may not read itself.
      const file = openSync(this.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const stats = fstatSync(file);
      if (!stats.isFile() || stats.uid !== this.#account.uid || stats.nlink !== 1) {
        closeSync(file);
        throw new Error('the worker left something else than its own file');
      }
      await pipeline(createReadStream('', { fd: file }), createWriteStream(to, { mode: 0o600, flags: 'wx' }));
    } finally {
      this.remove();
    }
  }

  remove(): void {
    try {
      asAccount(this.#account, () => rmSync(this.#folder, { recursive: true, force: true }));
    } catch {
      // Its user has made it so that it cannot be removed; it is theirs.
    }
  }
}
