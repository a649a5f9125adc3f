// Where the log process puts its lines. A sink never makes its caller wait, and holds 8 MB and one write at most: what the disk or
// the reader does not take beyond that is dropped and counted, and the count is written as soon as there is room again.

import { setTimeout as delay } from 'node:timers/promises';

const BUFFER_BYTES = 8 * 1024 * 1024;
/** Written at once, so that a file rotates close to its size. */
const BATCH_BYTES = 256 * 1024;
const RETRY_MS = 1000;
/** A pipe that is full may have room at any moment. */
const FULL_PIPE_MS = 10;
/** A reader or a disk that takes nothing for so long is trouble that is told. */
const STUCK_MS = 5000;
/** At the end, nothing is waited for that has not moved for so long. */
const END_PATIENCE_MS = 5000;

/** A file, a device or a pipe. */
export interface Outlet {
  /** Closes what is open, and opens it by its name. Rejects with the system's error. */
  open(): Promise<void>;
  /** How many of the bytes were taken. Rejects with the system's error; EAGAIN means "later". */
  write(bytes: Buffer): Promise<number>;
  /** Called once a second, never during a write. False: what is open is no longer what has that name. */
  look(): Promise<boolean>;
  close(): Promise<void>;
}

export interface SinkOptions {
  outlet: Outlet;
  /** The line that tells how many were dropped. */
  explain: (dropped: number) => Buffer;
  /** Nothing can be written, and why. Told once, until `onHealed`. */
  onTrouble: (error: Error) => void;
  /** It is written again, after so many lines were lost. */
  onHealed: (lost: number) => void;
}

export class Sink {
  readonly #options: SinkOptions;
  /** How the very first attempt to open it ended: null if well. */
  readonly opened: Promise<NodeJS.ErrnoException | null>;
  readonly #scratch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #flyingBytes = 0;
  #dropped = 0;
  #lost = 0;
  #inTrouble = false;
  #mustOpen = true;
  #ending = false;
  #wake: () => void = () => {};
  /** When something was taken for the last time, or there was nothing to take. */
  #movedAt = performance.now();
  readonly #ended: Promise<void>;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.opened = this.#open();
    this.#ended = this.opened.then(() => this.#work());
  }

  /** `bytes` are so many lines, which are taken or dropped together. */
  write(bytes: Buffer, lines = 1): void {
    const held = this.#queuedBytes + this.#flyingBytes;
    if (held > BUFFER_BYTES) {
      this.#dropped += lines;
      return;
    }
    if (held === 0) this.#movedAt = performance.now();
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#wake();
  }

  /** Closes and opens the file again by its name, for a rotation done by somebody else. */
  reopen(): void {
    this.#mustOpen = true;
    this.#wake();
  }

  /** Once a second, so that a write which never comes back is seen too. */
  tick(): void {
    if (this.#queuedBytes + this.#flyingBytes > 0 && performance.now() - this.#movedAt > STUCK_MS) {
      this.#trouble(new Error(`nothing was taken for ${STUCK_MS / 1000} s`));
    }
  }

  /** Resolves when everything accepted so far is written or lost; false: a write has not come back. */
  async end(): Promise<boolean> {
    this.#ending = true;
    this.#wake();
    for (;;) {
      const done = await Promise.race([this.#ended.then(() => true), delay(RETRY_MS, false)]);
      if (done) return true;
      if (performance.now() - this.#movedAt > END_PATIENCE_MS) return false;
    }
  }

  async #work(): Promise<void> {
    let lookedAt = performance.now();
    for (;;) {
      if (this.#queue.length === 0 && this.#dropped === 0 && !this.#mustOpen) {
        if (this.#ending) break;
        await this.#sleep(RETRY_MS);
      }
      if (performance.now() - lookedAt >= RETRY_MS) {
        lookedAt = performance.now();
        if (!this.#mustOpen) this.#mustOpen = !(await this.#options.outlet.look().catch(() => false));
      }
      if (this.#mustOpen && (await this.#open()) !== null) {
        // At the end there is no other time.
        if (this.#ending) break;
        await this.#sleep(RETRY_MS, true);
        continue;
      }
      const waitMs = await this.#flush();
      if (waitMs === 0) continue;
      if (this.#ending && waitMs === RETRY_MS) break;
      await this.#sleep(waitMs, true);
    }
    await this.#options.outlet.close();
  }

  async #open(): Promise<NodeJS.ErrnoException | null> {
    try {
      await this.#options.outlet.open();
      this.#mustOpen = false;
      return null;
    } catch (error) {
      this.#mustOpen = true;
      this.#trouble(error as Error);
      return error as Error;
    }
  }

  /** Writes some of what is queued. Returns after how long it is worth another try. */
  async #flush(): Promise<number> {
    if (this.#queue.length === 0 && this.#dropped === 0) return 0;
    const batch = this.#batch();
    this.#queuedBytes -= batch.length;
    // What was dropped came after all that is queued.
    const dropped = this.#queue.length === 0 ? this.#dropped : 0;
    this.#dropped -= dropped;
    this.#lost += dropped;
    let bytes = dropped > 0 ? Buffer.concat([batch, this.#options.explain(dropped)]) : batch;
    this.#flyingBytes = bytes.length;
    try {
      while (bytes.length > 0) {
        bytes = bytes.subarray(await this.#options.outlet.write(bytes));
        this.#movedAt = performance.now();
      }
      this.#flyingBytes = 0;
      if (this.#queue.length === 0 && this.#dropped === 0) this.#healed();
      return 0;
    } catch (error) {
      this.#queue.unshift(Buffer.from(bytes));
      this.#queuedBytes += bytes.length;
      this.#flyingBytes = 0;
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return FULL_PIPE_MS;
      this.#trouble(error as Error);
      // Opened again: a pipe whose reader has gone, or a disk that was taken away, needs it.
      this.#mustOpen = true;
      return RETRY_MS;
    }
  }

  /** Of what is queued as much as fits, in a memory of its own that is used again: a flood makes no garbage here. */
  #batch(): Buffer {
    let size = 0;
    let count = 0;
    for (const line of this.#queue) {
      if (size + line.length > BATCH_BYTES) break;
      line.copy(this.#scratch, size);
      size += line.length;
      count += 1;
    }
    const [first] = this.#queue.splice(0, Math.max(1, count));
    return count === 0 && first !== undefined ? first : this.#scratch.subarray(0, size);
  }

  #trouble(error: Error): void {
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#options.onTrouble(error);
  }

  #healed(): void {
    if (this.#inTrouble) this.#options.onHealed(this.#lost);
    this.#inTrouble = false;
    this.#lost = 0;
  }

  /** Until the time is over, or, unless `firmly`, until there is something to do. The end is always heard. */
  async #sleep(ms: number, firmly = false): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        if (firmly && !this.#ending) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}
