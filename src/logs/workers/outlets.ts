// What a sink writes to, in the log process: a file by its name, or a descriptor that was inherited.

import { closeSync, constants, fstatSync, open as openFile, write as writeFd } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder, placeOf } from './log-place.ts';
import { periodOf, rotate } from './rotation.ts';
import type { Outlet } from './sink.ts';

export interface FileOptions {
  file: string;
  maxSizeBytes: number | null;
  maxAgeMs: number | null;
  keep: number;
}

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants;
/** A rotation that failed is not tried with every line. */
const ROTATION_PAUSE_MS = 60_000;

/** A file that rotates; under the same name also a device or a named pipe, which does not and is never waited for. */
export class FileOutlet implements Outlet {
  readonly #options: FileOptions;
  readonly #onWarning: (message: string) => void;
  #handle: FileHandle | null = null;
  #path: string;
  #rotates = false;
  #size = 0;
  #period = 0;
  #compressing: Promise<void> | null = null;
  #rotateFrom = 0;

  /** `onWarning`: it cannot be rotated, and why. */
  constructor(options: FileOptions, onWarning: (message: string) => void) {
    this.#options = options;
    this.#onWarning = onWarning;
    this.#path = options.file;
  }

  async open(): Promise<void> {
    await this.close();
    const { path, descriptor } = await placeOf(this.#options.file);
    await makeFolder(dirname(path));
    // Without O_NONBLOCK a named pipe that nobody reads would hold a thread for ever.
    const handle = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, 0o640);
    const stats = await handle.stat();
    this.#handle = handle;
    this.#path = path;
    this.#rotates = descriptor === null && stats.isFile();
    this.#size = stats.size;
    this.#period = periodOf(stats.size > 0 ? stats.mtime : new Date(), this.#options.maxAgeMs);
  }

  async write(bytes: Buffer): Promise<number> {
    if (this.#handle === null) throw new Error('it is not open');
    const { bytesWritten } = await this.#handle.write(bytes);
    this.#size += bytesWritten;
    const { maxSizeBytes } = this.#options;
    // Not in the middle of a line.
    const isWhole = bytesWritten === bytes.length;
    if (isWhole && maxSizeBytes !== null && this.#size >= maxSizeBytes) await this.#rotate();
    return bytesWritten;
  }

  async look(): Promise<boolean> {
    if (!this.#rotates || this.#handle === null) return true;
    const mine = await this.#handle.stat();
    const named = await stat(this.#path).catch(() => null);
    const { path } = await placeOf(this.#options.file);
    if (named === null || named.ino !== mine.ino || named.dev !== mine.dev || path !== this.#path) return false;
    // Somebody may have emptied it.
    this.#size = mine.size;
    const period = periodOf(new Date(), this.#options.maxAgeMs);
    if (period !== this.#period) {
      this.#period = period;
      if (this.#size > 0) await this.#rotate();
    }
    return true;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  /** Not while the file before is being compressed: it grows a little longer then. */
  async #rotate(): Promise<void> {
    if (!this.#rotates || this.#compressing !== null || performance.now() < this.#rotateFrom) return;
    try {
      const { compressed } = await rotate(this.#path, this.#options.keep);
      this.#compressing = compressed.finally(() => {
        this.#compressing = null;
      });
    } catch (error) {
      this.#rotateFrom = performance.now() + ROTATION_PAUSE_MS;
      this.#onWarning(error instanceof Error ? error.message : String(error));
      return;
    }
    await this.open();
  }
}

/**
 * A descriptor that is not this process's own, such as stdout. A pipe or device is opened a second time, so that a reader who stands
 * still can be left behind at the end; a socket cannot be, and blocks a thread.
 */
export class DescriptorOutlet implements Outlet {
  readonly #inherited: number;
  #fd: number;

  constructor(fd: number) {
    this.#inherited = fd;
    this.#fd = fd;
  }

  async open(): Promise<void> {
    await this.close();
    const stats = fstatSync(this.#inherited);
    if (process.platform !== 'linux' || !(stats.isFIFO() || stats.isCharacterDevice())) return;
    const path = `/proc/self/fd/${this.#inherited}`;
    this.#fd = await new Promise((resolve, reject) => {
      openFile(path, O_WRONLY | O_NONBLOCK | O_NOCTTY, (error, fd) => {
        // Not allowed, or no /proc: then it is written as it is. Without a reader a pipe cannot be opened.
        if (error === null) resolve(fd);
        else if (error.code === 'ENXIO') reject(error);
        else resolve(this.#inherited);
      });
    });
  }

  write(bytes: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      writeFd(this.#fd, bytes, (error, written) => (error ? reject(error) : resolve(written)));
    });
  }

  look(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async close(): Promise<void> {
    if (this.#fd !== this.#inherited) closeSync(this.#fd);
    this.#fd = this.#inherited;
  }
}
