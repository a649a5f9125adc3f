// Turns what the preload reports about itself into notices, each once: this version of Node is unknown to it, or something of its own has
// failed (primary). The worker's side is src/worker/guard.ts.

import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import type { WorkerProcess } from './worker-process.ts';

export class PreloadNotices {
  readonly #report: (event: SupervisorEvent) => void;
  readonly #told = new Set<string>();

  constructor(report: (event: SupervisorEvent) => void) {
    this.#report = report;
  }

  selfTestFailed(problem: string): void {
    this.#once(
      'self-test',
      `This version of node is not fully supported (${problem}), so node:cluster shares the connections.`,
    );
  }

  /** Once per generation: siblings of that worker fail in the same way. */
  failed({ slot, pid, generation }: WorkerProcess, what: string, error: string): void {
    const who = slot === null ? 'a spare worker' : `worker ${slot}`;
    this.#once(
      `${generation} ${what}`,
      `Something of tutti's own failed in ${who} (pid ${pid}), whose application runs on and did not notice: ${what}: ${error}`,
    );
  }

  #once(key: string, message: string): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#report({ type: 'notice', level: 'warn', message });
  }
}
