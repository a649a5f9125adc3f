// At the first start all workers fail of the same thing at the same time, each with the same stack on stderr. The one in slot 0 says it; the
// others stand still for a moment before Node prints theirs, in which the primary ends them if nobody can start. Runs in the worker.

import { isIncurable } from '../../protocol/incurable.ts';
import type { BootInfo } from '../../protocol/messages.ts';
import { process } from '../own-process.ts';

const WAIT_MS = 1000;
/** What an application has to do at its end is not taken from it. */
const ENDS = ['exit', 'uncaughtExceptionMonitor'];

export class SameFailure {
  #isOver: boolean;
  #own = new Set<unknown>();

  constructor({ generation, slot }: BootInfo) {
    this.#isOver = generation !== 1 || slot === null || slot === 0;
  }

  /** Every listener until here is tutti's or Node's. */
  noteOwn(): void {
    this.#own = new Set(listenersToEnds());
  }

  /** It listens: it may have clients from now on. */
  end(): void {
    this.#isOver = true;
  }

  isToWait(error: string): boolean {
    if (this.#isOver || !isIncurable(error)) return false;
    // Node's own, of a program of ES modules.
    return listenersToEnds().every((listener) => this.#own.has(listener) || listener.name === 'handleProcessExit');
  }

  wait(): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
  }
}

function listenersToEnds(): { name: string }[] {
  const { listeners } = process as unknown as { listeners(name: string): { name: string }[] };
  return ENDS.flatMap((name) => listeners.call(process, name));
}
