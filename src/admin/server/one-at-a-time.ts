// One client's connection as node:http is to see it: the next request comes out when the answer to the one before has gone. Node would take a
// whole read of pipelined requests apart at once, 2,000 of them, and keep them all. Runs in the primary.

import type { Socket } from 'node:net';
import process from 'node:process';
import { Duplex } from 'node:stream';

/** What a client may have sent ahead; beyond this it is not read, and the system makes it wait. */
const MAX_AHEAD_BYTES = 64 * 1024;
const LF = 10;
const CR = 13;

export class OneAtATime extends Duplex {
  readonly #raw: Socket;
  /** Arrived, and not passed on. */
  #ahead: Buffer = Buffer.alloc(0);
  /** The head of a request passes, or what is left of its body. */
  #passing: 'head' | 'body' = 'head';
  #bodyLeft = 0;
  #answered = false;
  /** Of the head that passes: whether it has begun, and whether its last line has nothing in it so far. */
  #begun = false;
  #lineIsEmpty = false;
  /** node:http does not want more of a body at the moment. */
  #full = false;

  constructor(raw: Socket) {
    super({ allowHalfOpen: true });
    this.#raw = raw;
    raw.on('data', (chunk: Buffer) => {
      this.#ahead = this.#ahead.length === 0 ? chunk : Buffer.concat([this.#ahead, chunk]);
      this.#pass();
      if (this.#ahead.length > MAX_AHEAD_BYTES) raw.pause();
    });
    // What a client sent ahead before it ended is not answered: nothing tells it from one that has gone.
    raw.on('end', () => this.push(null));
    raw.on('error', (error) => this.destroy(error));
    raw.on('close', () => this.destroy());
  }

  /** To be told for each request that comes out: so many bytes of a body belong to it. */
  expectBody(bytes: number): void {
    this.#bodyLeft = bytes;
    // Later: the parser is in the middle of the head.
    process.nextTick(() => this.#pass());
  }

  /** The answer has gone. What is left of a body that nobody wanted still passes before the next request. */
  next(): void {
    this.#answered = true;
    this.#pass();
  }

  /** As node:http ends a connection after its last answer. */
  destroySoon(): void {
    this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  #pass(): void {
    while (this.#ahead.length > 0 && !this.#full && !this.readableEnded && !this.destroyed) {
      if (this.#passing === 'body' && this.#bodyLeft === 0) {
        if (!this.#answered) break;
        this.#passing = 'head';
      }
      const length = this.#passing === 'head' ? this.#passHead() : Math.min(this.#bodyLeft, this.#ahead.length);
      const piece = this.#ahead.subarray(0, length);
      this.#ahead = this.#ahead.subarray(length);
      // Before it is pushed: that is when the request comes out.
      if (this.#bodyLeft > 0) this.#bodyLeft -= length;
      this.#full = !this.push(piece);
    }
    if (this.#ahead.length <= MAX_AHEAD_BYTES) this.#raw.resume();
  }

  /** How many of the bytes that are there belong to the head; shuts the door behind it when it is whole. */
  #passHead(): number {
    for (let at = 0; at < this.#ahead.length; at += 1) {
      const byte = this.#ahead[at];
      if (byte === LF) {
        if (this.#begun && this.#lineIsEmpty) {
          this.#passing = 'body';
          this.#bodyLeft = 0;
          this.#answered = false;
          this.#begun = false;
          return at + 1;
        }
        this.#lineIsEmpty = true;
      } else if (byte !== CR) {
        // Empty lines before a request mean nothing.
        this.#begun = true;
        this.#lineIsEmpty = false;
      }
    }
    return this.#ahead.length;
  }

  override _read(): void {
    this.#full = false;
    this.#pass();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#raw.write(chunk, encoding, done);
  }

  override _final(done: () => void): void {
    this.#raw.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#raw.destroy();
    done(error);
  }
}
