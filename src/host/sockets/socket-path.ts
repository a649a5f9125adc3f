// The file by which clients find a unix socket (primary). Programs remove it before they listen, or when they end, because
// alone they may; here their siblings still listen on it. A second name keeps the file, and puts it back.

import { linkSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export class SocketPath {
  readonly #path: string;
  readonly #spare: string;
  readonly #inode: bigint | null;

  /** `path` is bound. Where a second name cannot be had, the file is the application's business, as under plain node. */
  constructor(path: string) {
    this.#path = path;
    this.#spare = join(dirname(path), `.${basename(path)}.tutti`);
    this.#inode = inodeOf(path);
    if (this.#inode === null) return;
    // One that was killed may have left its own.
    remove(this.#spare);
    link(path, this.#spare);
  }

  /** What stands there now is left alone: another program may have taken the path. */
  restore(): void {
    if (this.#isKept() && inodeOf(this.#path) === null) link(this.#spare, this.#path);
  }

  /** Of both names, only the spare one: whoever bound the path removes it. */
  release(): void {
    if (this.#isKept()) remove(this.#spare);
  }

  /** Of both, if the path is still this one. */
  remove(): void {
    if (this.#inode !== null && inodeOf(this.#path) === this.#inode) remove(this.#path);
    this.release();
  }

  #isKept(): boolean {
    return this.#inode !== null && inodeOf(this.#spare) === this.#inode;
  }
}

function inodeOf(path: string): bigint | null {
  try {
    return statSync(path, { bigint: true }).ino;
  } catch {
    return null;
  }
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Some file systems have no second names.
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is not there.
  }
}
