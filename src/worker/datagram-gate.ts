// A bound UDP socket's raw handle in a worker: to the application it reads from the first moment on, in truth only while the
// gate is open. A handle that does not read would not keep the process alive, so a timer does until it may.

import type { RawHandle } from '../protocol/raw-handle.ts';

export interface RawDatagram extends RawHandle {
  recvStart(): number;
  recvStop(): number;
}

export class DatagramGate {
  /** The application reads, as far as it knows. */
  wanted = false;
  readonly #raw: RawDatagram;
  readonly #start: () => number;
  #wantsRef = true;
  #keepAlive: NodeJS.Timeout | null = null;

  constructor(raw: RawDatagram, isOpen: () => boolean, onClose: () => void) {
    this.#raw = raw;
    this.#start = raw.recvStart.bind(raw);
    raw.recvStart = () => {
      this.wanted = true;
      if (isOpen()) return this.#start();
      this.#keepAlive ??= setInterval(() => {}, 2 ** 31 - 1);
      if (!this.#wantsRef) this.#keepAlive.unref();
      return 0;
    };
    for (const name of ['ref', 'unref'] as const) {
      const original = raw[name]?.bind(raw);
      raw[name] = () => {
        this.#wantsRef = name === 'ref';
        this.#keepAlive?.[name]();
        original?.();
      };
    }
    const close = raw.close.bind(raw);
    raw.close = (callback) => {
      this.#release();
      onClose();
      close(callback);
    };
  }

  /** The gate is open. */
  open(): void {
    if (this.wanted) this.#start();
    this.#release();
  }

  stop(): void {
    this.#raw.recvStop();
  }

  #release(): void {
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#keepAlive = null;
  }
}
