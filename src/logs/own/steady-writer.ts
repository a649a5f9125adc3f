// Writes lines to a terminal, a pipe or a file without ever waiting for a reader and without ever failing (primary). Node writes to all three
// synchronously, so a terminal on which somebody pressed Ctrl-S, or a log collector that stands still, would stop the primary as a
// whole: no worker would be watched or replaced. The descriptor itself cannot be made non-blocking, because workers share it; so a pipe
// or terminal is opened a second time. What a reader or a full disk does not take is kept up to a limit, then dropped and counted.

import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

const bufferBytes = 1024 * 1024;
const retryMs = 20;
/** A disk that is full stays so for longer. */
const fullRetryMs = 1000;
/** At the end, a reader that stands still is not waited for longer. */
const lastWordsMs = 1000;

export interface SteadyOptions {
  fd: number;
  /** Where the descriptor is neither a file nor to be opened a second time: sockets, and pipes on other systems than Linux. */
  otherwise: (text: string | Uint8Array) => void;
  /** The line that tells how many were dropped. */
  explain: (dropped: number) => string;
}

/** Writes synchronously; throws what the system says. */
type Write = (fd: number, bytes: Buffer) => number;

export class SteadyWriter {
  #options: SteadyOptions;
  readonly #write: Write;
  readonly #isFile: boolean;
  /** Null: there is nothing to write to by ourselves. */
  #fd: number | null;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #retry: NodeJS.Timeout | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(options: SteadyOptions, write: Write = writeSync) {
    this.#options = options;
    this.#write = write;
    this.#isFile = isFile(options.fd);
    this.#fd = this.#isFile ? options.fd : openAgain(options.fd);
  }

  /** Writes whole lines; keeps their order. Never throws. */
  write(text: string | Uint8Array): void {
    if (this.#fd === null) {
      this.#options.otherwise(text);
      return;
    }
    const bytes = Buffer.from(text);
    if (this.#queuedBytes + bytes.length > bufferBytes) {
      this.#dropped += 1;
      return;
    }
    this.#push(bytes);
    if (this.#retry === null) this.#flush();
  }

  /** Resolves when everything is written, or could not be in time. Nothing may be written after it. */
  async end(): Promise<void> {
    if (this.#queue.length > 0) {
      let late: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
        late = setTimeout(resolve, lastWordsMs);
      });
      clearTimeout(late);
    }
    this.#close();
  }

  #push(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  #flush(): void {
    this.#retry = null;
    try {
      for (;;) {
        const [first] = this.#queue;
        if (first === undefined || this.#fd === null) break;
        const written = this.#write(this.#fd, first);
        this.#queuedBytes -= written;
        if (written < first.length) this.#queue[0] = first.subarray(written);
        else this.#queue.shift();
        if (this.#queue.length === 0 && this.#dropped > 0) {
          this.#push(Buffer.from(this.#options.explain(this.#dropped)));
          this.#dropped = 0;
        }
      }
      this.#onEmpty?.();
    } catch (error) {
      const waitMs = this.#patience((error as NodeJS.ErrnoException).code);
      if (waitMs !== null) {
        this.#retry = setTimeout(() => this.#flush(), waitMs).unref();
        return;
      }
      // The reader has gone, or the terminal: there is nobody left to tell.
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#onEmpty?.();
      this.#close();
      this.#options = { ...this.#options, otherwise: () => undefined };
    }
  }

  /** After how long it is worth another try; null: never. Whatever ails a disk may be over later. */
  #patience(code: string | undefined): number | null {
    if (code === 'EAGAIN') return retryMs;
    return this.#isFile || code === 'ENOSPC' ? fullRetryMs : null;
  }

  #close(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    if (this.#fd !== null && !this.#isFile) closeSync(this.#fd);
    this.#fd = null;
    this.#options = { ...this.#options, otherwise: () => undefined };
  }
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

function openAgain(fd: number): number | null {
  try {
    const stats = fstatSync(fd);
    if (process.platform !== 'linux' || !(stats.isFIFO() || stats.isCharacterDevice())) return null;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // Not allowed, or no /proc: then it is written as Node would.
    return null;
  }
}
