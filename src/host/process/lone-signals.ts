// Tells a signal that was meant for one worker from one that went to the whole group of processes. Runs in the primary.

import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';
import { monotonicMs } from '../monotonic.ts';

/** A signal that reached the primary and a worker within this time was meant for the whole group. */
const SAME_SIGNAL_MS = 100;

/** `kill <worker>` means that one worker; Ctrl-C and a service manager's TERM mean the whole group, the primary with it. */
export class LoneSignals {
  readonly #meantToEnd: (worker: WorkerId, signal: NodeJS.Signals) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #primaryGotAt = Number.NEGATIVE_INFINITY;

  /** `meantToEnd`: this worker alone is asked to end. */
  constructor(meantToEnd: (worker: WorkerId, signal: NodeJS.Signals) => void) {
    this.#meantToEnd = meantToEnd;
  }

  /** One of the signals that are often sent to a whole group. */
  primaryGot(): void {
    this.#primaryGotAt = monotonicMs();
  }

  /** `handled`: the application listens to it. */
  workerGot(
    worker: { id: WorkerId; deliver(signal: NodeJS.Signals): void },
    signal: NodeJS.Signals,
    handled: boolean,
  ): void {
    const at = monotonicMs();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#primaryGotAt >= at - SAME_SIGNAL_MS) return;
      // To many servers HUP and QUIT mean something of their own; TERM and INT mean their end, and that is prepared by a drain.
      if (handled && (signal === 'SIGHUP' || signal === 'SIGQUIT')) worker.deliver(signal);
      else this.#meantToEnd(worker.id, signal);
    }, SAME_SIGNAL_MS);
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
