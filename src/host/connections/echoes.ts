// Whether workers have taken in what they were sent (primary): a ping comes back when everything before it has been read.

import { setTimeout as delay } from 'node:timers/promises';
import type { DataPlaneWorker } from './data-plane-worker.ts';

/** To the first message a worker may answer with a question, as for its copy of a socket. */
const ROUNDS = 2;
/** One that hangs is not waited for. */
const MOST_MS = 2_000;

interface Ping {
  worker: DataPlaneWorker;
  roundsLeft: number;
  answered: () => void;
}

export class Echoes {
  /** By their numbers. Those of offered connections are above zero. */
  readonly #pings = new Map<number, Ping>();
  #last = 0;

  /** Kept when each of them has answered twice, or is gone, or has had its time. */
  async of(workers: readonly DataPlaneWorker[]): Promise<void> {
    const answers = workers.map(
      (worker) => new Promise<void>((answered) => this.#send({ worker, roundsLeft: ROUNDS - 1, answered })),
    );
    const patience = new AbortController();
    const late = delay(MOST_MS, undefined, { signal: patience.signal }).catch(() => {});
    await Promise.race([Promise.all(answers), late]);
    patience.abort();
  }

  /** Whether the answer was to one of these pings. */
  heard(id: number): boolean {
    const ping = this.#pings.get(id);
    this.#pings.delete(id);
    if (ping?.roundsLeft === 0) ping.answered();
    else if (ping !== undefined) this.#send({ ...ping, roundsLeft: ping.roundsLeft - 1 });
    return id < 0;
  }

  gone(worker: DataPlaneWorker): void {
    for (const [id, ping] of this.#pings) {
      if (ping.worker !== worker) continue;
      this.#pings.delete(id);
      ping.answered();
    }
  }

  #send(ping: Ping): void {
    this.#last -= 1;
    this.#pings.set(this.#last, ping);
    ping.worker.send({ cmd: 'NODE_TUTTI_PING', id: this.#last });
  }
}
