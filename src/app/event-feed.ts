// Events for those who iterate, at their own pace. Runs in the primary.

export class EventFeed<E> {
  readonly #readers = new Set<Reader<E>>();
  #ended = false;

  push(event: E): void {
    for (const reader of this.#readers) reader.push(event);
  }

  /** Readers get what they have not read yet, and then their end. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  read(): AsyncIterableIterator<E> {
    const reader = new Reader<E>(() => this.#readers.delete(reader));
    if (this.#ended) reader.end();
    else this.#readers.add(reader);
    return reader;
  }
}

/** A reader that stands still must not fill the memory: beyond this it loses the oldest events. */
const MOST_UNREAD = 10_000;

class Reader<E> implements AsyncIterableIterator<E> {
  readonly #unread: E[] = [];
  readonly #waiting: ((result: IteratorResult<E>) => void)[] = [];
  readonly #left: () => void;
  #ended = false;

  constructor(left: () => void) {
    this.#left = left;
  }

  push(event: E): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting({ done: false, value: event });
    else if (this.#unread.push(event) > MOST_UNREAD) this.#unread.shift();
  }

  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<E>> {
    const value = this.#unread.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((done) => this.#waiting.push(done));
  }

  return(): Promise<IteratorResult<E>> {
    this.#left();
    this.#unread.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
