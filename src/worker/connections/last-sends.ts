// Sends what must leave in the last turn of a process, when the loop will not run again. Node sends a handle only when the one before is
// acknowledged, queues everything else meanwhile, and learns of the acknowledgement in the loop; so this uses private parts of Node's
// channel. Runs in the worker.

import { readSync } from 'node:fs';
import type { ToPrimary } from '../../protocol/messages.ts';
import type { RawHandle } from '../../protocol/raw-handle.ts';
import { canSendHandles, isChannelOpen, sendNow } from '../channel.ts';
import * as clock from '../clock.ts';
import { failed } from '../guard.ts';
import { process } from '../own-process.ts';

/** What Node has queued. Null: no handle is on its way, so nothing is queued. */
type Queue = { message: unknown; handle?: unknown }[] | null;

interface Keeper {
  _handleQueue?: Queue;
}

/** The raw handle of the channel. */
interface Channel {
  setBlocking?(blocking: boolean): number;
  writeQueueSize?: number;
}

/**
 * At most this many bytes are on their way before the other end must have read them, unless one message alone is longer. The smallest
 * channel, that of macOS, holds 8 KB; a write to a full one would never be sent.
 */
const MOST_BYTES = 6144;
/** What Node adds to each message, rounded up. */
const FRAME_BYTES = 64;
/** A primary that acknowledges nothing for this long is stopped or stuck. */
const PATIENCE_MS = 1000;
/** The most that the end of a process is delayed in all. */
const MOST_MS = 5000;
const ACKNOWLEDGED = /"NODE_HANDLE_N?ACK"/;

export class LastSends {
  /** What Node has not sent, oldest first. */
  readonly unsent: readonly { message: unknown; handle?: unknown }[];
  readonly #fd: number;
  readonly #until: number;
  readonly #piece = Buffer.allocUnsafe(16_384);
  #onWay: number;
  #bytes = 0;
  #rest = '';
  #isOver = false;

  /** Null if this Node's channel is a different one, or has unsent bytes: then nothing can leave. */
  static begin(): LastSends | null {
    const fd = process.channel === null ? undefined : (process.channel as { fd?: unknown } | undefined)?.fd;
    const queue = (process as Keeper)._handleQueue;
    const symbol = Object.getOwnPropertySymbols(process).find(({ description }) => description === 'kChannelHandle');
    const channel = symbol && (process as unknown as Record<symbol, Channel | null>)[symbol];
    const isKnown = queue === null || Array.isArray(queue);
    if (!isKnown || !isChannelOpen() || !canSendHandles() || typeof fd !== 'number' || fd < 0 || !channel) return null;
    // Neither a read nor a write may ever wait.
    if (channel.setBlocking?.(false) !== 0 || channel.writeQueueSize !== 0) return null;
    return new LastSends(fd, queue);
  }

  private constructor(fd: number, queue: Queue) {
    this.#fd = fd;
    this.#until = clock.now() + MOST_MS;
    this.unsent = queue ?? [];
    this.#onWay = queue === null ? 0 : 1;
  }

  /** False: nothing more can leave. Waits where the other end has to read first, but not for long. Never throws. */
  send(message: ToPrimary, handle?: RawHandle): boolean {
    try {
      const bytes = JSON.stringify(message).length + FRAME_BYTES;
      const isFull = this.#bytes > 0 && this.#bytes + bytes > MOST_BYTES;
      this.#isOver ||= isFull && !this.#waitForAll();
      if (this.#isOver) return false;
      const keeper = process as Keeper;
      keeper._handleQueue = null;
      this.#bytes += bytes;
      sendNow(message, handle);
      if (handle === undefined) return true;
      // Node creates the queue when a handle is on its way. Without a queue it could not be written.
      this.#isOver = !Array.isArray(keeper._handleQueue);
      this.#onWay += 1;
      // Without a queue, the application's own last messages leave too.
      keeper._handleQueue = null;
    } catch (error) {
      this.#isOver = true;
      failed('sending in the last turn', error);
    }
    return !this.#isOver;
  }

  /**
   * Returns when everything has arrived, or when nobody reads it. The process must not end before: libuv takes the first message that it
   * reads from a closed channel for the last one.
   */
  settle(): void {
    try {
      this.#isOver ||= !this.#waitForAll();
    } catch (error) {
      failed('sending in the last turn', error);
    }
  }

  /** False: nobody reads. */
  #waitForAll(): boolean {
    let patience = clock.now() + PATIENCE_MS;
    while (this.#onWay > 0) {
      const arrived = this.#arrived();
      const now = clock.now();
      if (arrived === null || now > this.#until || (arrived === 0 && now > patience)) return false;
      this.#onWay -= arrived;
      if (arrived > 0) patience = now + PATIENCE_MS;
      else sleep();
    }
    this.#bytes = 0;
    return true;
  }

  /** How many handles were acknowledged since it was asked last; null: the channel is closed. */
  #arrived(): number | null {
    let length: number;
    try {
      length = readSync(this.#fd, this.#piece);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : null;
    }
    if (length === 0) return null;
    const lines = (this.#rest + this.#piece.toString('latin1', 0, length)).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.filter((line) => ACKNOWLEDGED.test(line)).length;
  }
}

function sleep(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}
