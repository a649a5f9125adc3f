// One client's server-sent events. Writes to Node's response directly, because only there is it visible how much a slow
// reader has not taken yet. Runs in the primary.

import type { ServerResponse } from 'node:http';

/** What one reader may leave lying in the primary's memory before it is dropped; it can come back with Last-Event-ID. */
const MAX_UNREAD_BYTES = 256 * 1024;
/** A comment now and then finds out that the client is gone, and keeps proxies from closing an idle stream. */
const KEEP_ALIVE_MS = 15_000;

export class EventStream {
  readonly #response: ServerResponse;
  readonly #keepAlive: NodeJS.Timeout;
  readonly #onEnd: () => void;
  #ended = false;

  /** `onEnd` is called once, however the stream ends. */
  constructor(response: ServerResponse, onEnd: () => void) {
    this.#response = response;
    this.#onEnd = onEnd;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    response.flushHeaders();
    response.on('close', () => this.#finish());
    response.on('error', () => this.#finish());
    this.#keepAlive = setInterval(() => this.#write(':\n\n'), KEEP_ALIVE_MS).unref();
  }

  send(message: { id?: string; event?: string; data: unknown }): void {
    const id = message.id === undefined ? '' : `id: ${message.id}\n`;
    const event = message.event === undefined ? '' : `event: ${message.event}\n`;
    this.#write(`${id}${event}data: ${JSON.stringify(message.data)}\n\n`);
  }

  end(): void {
    if (!this.#ended) this.#response.end();
    this.#finish();
  }

  #write(text: string): void {
    if (this.#ended) return;
    this.#response.write(text);
    if (this.#response.writableLength <= MAX_UNREAD_BYTES) return;
    this.#response.destroy();
    this.#finish();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#keepAlive);
    this.#onEnd();
  }
}
