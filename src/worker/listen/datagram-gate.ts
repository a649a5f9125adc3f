// The raw handle of a bound UDP socket in a worker. To the application it reads from the start; in fact it reads only while the gate is
// open. A handle that does not read does not keep the process alive, so a timer does until then. Multicast groups belong to the shared
// socket, not to this copy, so each worker's are tracked separately. Runs in the worker.

import { constants } from 'node:os';
import type { RawHandle } from '../../protocol/raw-handle.ts';
import { cancel, keepAlive } from '../guard.ts';

export interface RawDatagram extends RawHandle {
  recvStart(): number;
  recvStop(): number;
  addMembership(group: string, address: string | undefined): number;
  dropMembership(group: string, address: string | undefined): number;
}

const EADDRINUSE = -constants.errno.EADDRINUSE;
const EADDRNOTAVAIL = -constants.errno.EADDRNOTAVAIL;

export class DatagramGate {
  /** The application wants to read. */
  wanted = false;
  /** No sibling reads from this socket, so this worker does until it ends. */
  alone = false;
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
      this.#keepAlive ??= keepAlive();
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
    keepGroups(raw);
    const close = raw.close.bind(raw);
    raw.close = (callback) => {
      this.#release();
      onClose();
      close(callback);
    };
  }

  /** -1 without one. */
  get fd(): number {
    return this.#raw.fd ?? -1;
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
    if (this.#keepAlive !== null) cancel(this.#keepAlive);
    this.#keepAlive = null;
  }
}

/**
 * The socket joins a group when the first worker asks, and leaves it only when it is closed: a worker that ends must not take the group
 * from its siblings. Each application sees what it would see alone.
 */
function keepGroups(raw: RawDatagram): void {
  const joined = new Set<string>();
  const keyOf = (group: string, address: string | undefined) => `${group} ${address ?? ''}`;
  const join = raw.addMembership.bind(raw);
  raw.addMembership = (group, address) => {
    const key = keyOf(group, address);
    if (joined.has(key)) return EADDRINUSE;
    const errno = join(group, address);
    if (errno !== 0 && errno !== EADDRINUSE) return errno;
    joined.add(key);
    return 0;
  };
  raw.dropMembership = (group, address) => (joined.delete(keyOf(group, address)) ? 0 : EADDRNOTAVAIL);
}
