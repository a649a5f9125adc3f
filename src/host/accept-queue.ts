// Sees clients that wait on a listening socket while those who accept from it are all blocked (primary, Linux): the kernel tells the
// length of the queue beside each socket.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { RawHandle } from '../protocol/raw-handle.ts';

const LISTENING = '0A';
const FILES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** A client that waits at one look was perhaps about to be accepted. */
const LOOKS = 3;
const BETWEEN_MS = 30;

/** The number under which the kernel lists the socket; null where it does not. */
export function inodeOf({ fd }: RawHandle): number | null {
  try {
    return fd === undefined || fd < 0 || process.platform !== 'linux' ? null : fstatSync(fd).ino;
  } catch {
    return null;
  }
}

/** Whether clients wait on one of these TCP sockets. Takes milliseconds: behind those that listen the kernel goes through its whole table. */
export function hasWaiting(inodes: ReadonlySet<number>): boolean {
  return inodes.size > 0 && FILES.some((path) => listening(path).some(isWaiting));

  function isWaiting(fields: string[]): boolean {
    const queues = fields[4] ?? '';
    return inodes.has(Number(fields[9])) && Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16) > 0;
  }
}

function listening(path: string): string[][] {
  let fd: number | null = null;
  try {
    fd = openSync(path, 'r');
    const found: string[][] = [];
    const chunk = Buffer.alloc(16_384);
    let rest = '';
    for (;;) {
      const length = readSync(fd, chunk);
      const lines = (rest + chunk.toString('latin1', 0, length)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const fields = line.trim().split(/\s+/);
        if (fields[3] === LISTENING) found.push(fields);
        else if (fields[0] !== 'sl') return found;
      }
      if (length === 0) return found;
    }
  } catch {
    return [];
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

export class AcceptQueueWatch {
  readonly #inodes: () => ReadonlySet<number>;
  readonly #stuck: () => void;
  #timer: NodeJS.Timeout | null = null;

  /** `stuck` is called when clients wait for longer than those who accept would take. */
  constructor(inodes: () => ReadonlySet<number>, stuck: () => void) {
    this.#inodes = inodes;
    this.#stuck = stuck;
  }

  look(): void {
    if (this.#timer === null) this.#lookAgain(1);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #lookAgain(times: number): void {
    this.#timer = null;
    if (!hasWaiting(this.#inodes())) return;
    if (times === LOOKS) this.#stuck();
    else this.#timer = setTimeout(() => this.#lookAgain(times + 1), BETWEEN_MS);
  }
}
