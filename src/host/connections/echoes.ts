// Whether workers have taken in what they were sent (primary): a ping comes back when everything before it has been read.

import { setTimeout as delay } from 'node:timers/promises';
import type { DataPlaneWorker } from './data-plane-worker.ts';

/** Offered connections have numbers above. Two: to the first message a worker may answer with a question, as for its copy of a socket. */
const ROUNDS = [-1, -2];
/** One that hangs is not waited for. */
const MOST_MS = 2_000;

export class Echoes {
  readonly #waiting = new Map<DataPlaneWorker, () => void>();

  /** Kept when each of them has answered twice, or is gone, or has had its time. */
  async of(workers: readonly DataPlaneWorker[]): Promise<void> {
    const answers = workers.map(
      (worker) =>
        new Promise<void>((answered) => {
          this.#waiting.set(worker, answered);
          worker.send({ cmd: 'NODE_TUTTI_PING', id: ROUNDS[0] ?? 0 });
        }),
    );
    const patience = new AbortController();
    const late = delay(MOST_MS, undefined, { signal: patience.signal }).catch(() => {});
    await Promise.race([Promise.all(answers), late]);
    patience.abort();
  }

  /** Whether the answer was to one of these pings. */
  heard(worker: DataPlaneWorker, id: number): boolean {
    const round = ROUNDS.indexOf(id);
    const next = ROUNDS[round + 1];
    if (round >= 0 && next !== undefined) worker.send({ cmd: 'NODE_TUTTI_PING', id: next });
    else if (round >= 0) this.gone(worker);
    return round >= 0;
  }

  gone(worker: DataPlaneWorker): void {
    this.#waiting.get(worker)?.();
    this.#waiting.delete(worker);
  }
}
