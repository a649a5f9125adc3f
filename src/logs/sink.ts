// Where the log process puts its lines: a file that rotates, or a descriptor it inherited. A sink never makes its caller wait and
// never holds more than `BUFFER_BYTES`: what the disk or the reader can't take is dropped and counted, and the count is written
// as soon as there is room again.

import { mkdirSync, write } from 'node:fs';
import { basename, dirname } from 'node:path';
import { createStream, type Options, type RotatingFileStream } from 'rotating-file-stream';

const BUFFER_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 1000;

export interface Sink {
  write(line: Buffer): void;
  /** Close and open the file again by its name, for a rotation done by somebody else. */
  reopen(): void;
  /** Resolves when everything accepted so far is written, or can't be. */
  end(): Promise<void>;
}

/** `explain` makes the line that tells how many were dropped. */
type Explain = (dropped: number) => Buffer;

export interface FileSinkOptions {
  file: string;
  maxSizeBytes: number | null;
  maxAgeMs: number | null;
  keep: number;
}

export class FileSink implements Sink {
  readonly #options: FileSinkOptions;
  readonly #explain: Explain;
  #stream: RotatingFileStream | null = null;
  #retry: NodeJS.Timeout | null = null;
  #dropped = 0;

  constructor(options: FileSinkOptions, explain: Explain) {
    this.#options = options;
    this.#explain = explain;
    this.#open();
  }

  write(line: Buffer): void {
    const stream = this.#stream;
    if (!stream || stream.writableLength > BUFFER_BYTES) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) {
      stream.write(this.#explain(this.#dropped));
      this.#dropped = 0;
    }
    // What the stream had accepted and could not write when it broke is lost, too.
    stream.write(line, this.#onWritten);
  }

  readonly #onWritten = (error: Error | null | undefined): void => {
    if (error) this.#dropped += 1;
  };

  reopen(): void {
    if (this.#retry) clearTimeout(this.#retry);
    const old = this.#stream;
    this.#stream = null;
    old?.end();
    this.#open();
  }

  async end(): Promise<void> {
    if (this.#retry) clearTimeout(this.#retry);
    const stream = this.#stream;
    this.#stream = null;
    if (!stream) return;
    if (this.#dropped > 0) stream.write(this.#explain(this.#dropped));
    await new Promise<void>((resolve) => {
      stream.once('error', () => resolve());
      stream.end(() => resolve());
    });
  }

  #open(): void {
    const { file, maxSizeBytes, maxAgeMs, keep } = this.#options;
    try {
      mkdirSync(dirname(file), { recursive: true });
    } catch {
      // the stream's own error tells the same, and is retried
    }
    const options: Options = { path: dirname(file), rotate: keep, compress: 'gzip' };
    if (maxSizeBytes !== null) options.size = `${maxSizeBytes}B`;
    if (maxAgeMs !== null) options.interval = intervalOf(maxAgeMs);
    const stream = createStream(basename(file), options);
    stream.on('warning', () => {}); // a rotation that failed: the file simply grows on
    let isBroken = false;
    stream.on('error', () => {
      if (isBroken) return;
      isBroken = true;
      stream.destroy();
      // An old stream that fails at its end is not the one that is written to.
      if (this.#stream !== stream) return;
      // A full disk or a lost folder never stops the app: drop, count, and try again.
      this.#stream = null;
      this.#retry = setTimeout(() => this.#open(), RETRY_MS);
    });
    this.#stream = stream;
  }
}

/** Rotations fall on the clock (every 6 h at 0, 6, 12, 18), so an age becomes the longest such interval that is not above it. */
export function intervalOf(ageMs: number): string {
  const whole = (unitMs: number, of: number): number => {
    let amount = Math.min(of, Math.max(1, Math.floor(ageMs / unitMs)));
    while (of % amount !== 0) amount -= 1;
    return amount;
  };
  if (ageMs >= 86_400_000) return `${Math.floor(ageMs / 86_400_000)}d`;
  if (ageMs >= 3_600_000) return `${whole(3_600_000, 24)}h`;
  if (ageMs >= 60_000) return `${whole(60_000, 60)}m`;
  return `${whole(1000, 60)}s`;
}

/** Writes to a descriptor by the thread pool: a reader that stands still blocks a thread, not the log process. */
export class DescriptorSink implements Sink {
  readonly #fd: number;
  readonly #explain: Explain;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #writing = false;
  /** The last attempt failed: what was dropped is told with the next line that comes, not by trying again and again. */
  #failing = false;
  #dropped = 0;
  #idle: (() => void) | null = null;

  constructor(fd: number, explain: Explain) {
    this.#fd = fd;
    this.#explain = explain;
  }

  write(line: Buffer): void {
    if (this.#queuedBytes + line.length > BUFFER_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(line);
    this.#queuedBytes += line.length;
    if (!this.#writing) this.#next();
  }

  reopen(): void {}

  end(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#writing) resolve();
      else this.#idle = resolve;
    });
  }

  #next(): void {
    const lines = this.#queue;
    const told = lines.length > 0 || !this.#failing ? this.#dropped : 0;
    if (lines.length === 0 && told === 0) {
      this.#writing = false;
      this.#idle?.();
      return;
    }
    this.#writing = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#dropped -= told;
    const note = told > 0 ? [this.#explain(told)] : [];
    this.#write(Buffer.concat([...note, ...lines]), lines.length + told);
  }

  /** `lost`: how many lines are dropped if it fails. */
  #write(bytes: Buffer, lost: number): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#write(bytes, lost), 10);
        return;
      }
      if (!error && written < bytes.length) {
        this.#write(bytes.subarray(written), lost);
        return;
      }
      // Nobody reads any more, or the device is full: what cannot be written is gone, but the workers must not feel it.
      this.#failing = error !== null;
      if (error) this.#dropped += lost;
      this.#next();
    });
  }
}
