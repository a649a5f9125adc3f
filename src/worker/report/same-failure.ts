// Keeps one failure from being printed by every worker. At the first start all workers often fail of the same error at the same moment. The
// worker in slot 0 prints it; the others wait a moment before Node prints theirs, and the primary ends them then if nobody can start. Runs
// in the worker; the primary decides in src/supervisor/decide/plan.ts.

import { isIncurable } from '../../protocol/incurable.ts';
import type { BootInfo } from '../../protocol/messages.ts';
import { process } from '../own-process.ts';

const WAIT_MS = 1000;
/** An application that listens to one of these has something to do at its end, and is not held up. */
const ENDS = ['exit', 'uncaughtExceptionMonitor'];

export class SameFailure {
  #isOver: boolean;
  #own = new Set<unknown>();

  constructor({ generation, slot }: BootInfo) {
    this.#isOver = generation !== 1 || slot === null || slot === 0;
  }

  /** Every listener up to now is tutti's or Node's. */
  noteOwn(): void {
    this.#own = new Set(listenersToEnds());
  }

  /** The application listens, so it may have clients from now on. */
  end(): void {
    this.#isOver = true;
  }

  isToWait(error: string): boolean {
    if (this.#isOver || !isIncurable(error)) return false;
    // Node's own listener in a program of ES modules.
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
