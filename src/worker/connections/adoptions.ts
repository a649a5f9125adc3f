// Takes over connections that were accepted elsewhere: by a sibling, by the primary, or here, when one comes back. Runs in the worker; what
// is offered to whom is decided in src/host/connections/connection-relay.ts.

import type { DataToWorker, ToPrimary } from '../../protocol/messages.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import { isChannelLost } from '../channel.ts';
import * as clock from '../clock.ts';
import { guarded, type HandOver } from '../guard.ts';
import type { ListenHandle } from '../listen/listen-handle.ts';
import { replay } from '../replay.ts';
import { newestConnection } from './connections.ts';
import type { Send } from './data-plane.ts';
import { rawOf, resume } from './raw-connection.ts';

type Adopt = Extract<DataToWorker, { cmd: 'NODE_TUTTI_ADOPT' }>;

/** A raw connection that no server has, and what it needs to go on. */
export interface Held {
  listener: ListenHandle;
  /** Requests were served on it before. */
  used: boolean;
  /** Of a request that runs here again. */
  head: string | undefined;
}

export interface AdoptionsOptions {
  send: Send;
  /** This worker holds one more connection, which its server does not have yet. */
  taken(): void;
  /** The server has the connection now. */
  served(): void;
}

export class Adoptions {
  readonly counts = { adopted: 0, refused: 0 };
  readonly #options: AdoptionsOptions;
  /** Taken over, but the answer has not left this process yet. */
  readonly #adopting = new Map<RawConnection, Held & { answer: ToPrimary }>();
  #accepts: 'offers' | 'returns' | 'nothing' = 'offers';
  #noRoomAt = Number.NEGATIVE_INFINITY;

  constructor(options: AdoptionsOptions) {
    this.#options = options;
  }

  /** How many are taken over but not given to a server yet. */
  get size(): number {
    return this.#adopting.size;
  }

  /** When a connection came back because nobody had room for it. */
  get noRoomAt(): number {
    return this.#noRoomAt;
  }

  /** From now on this worker takes only what returns. */
  drain(): void {
    if (this.#accepts === 'offers') this.#accepts = 'returns';
  }

  end(): void {
    this.#accepts = 'nothing';
  }

  /** Answers ADOPTED. `isFull`: the server would close one more. */
  adopt(message: Adopt, listener: ListenHandle | undefined, isFull: boolean, client: RawConnection): void {
    const { id, mode, used, head } = message;
    if (listener === undefined || !this.#takes(mode, listener, isFull)) {
      this.counts.refused += 1;
      client.close();
      this.#options.send({ cmd: 'NODE_TUTTI_ADOPTED', id, accepted: false });
      return;
    }
    if (mode !== 'return') this.counts.adopted += 1;
    else if (isFull) this.#noRoomAt = clock.now();
    const answer: ToPrimary = { cmd: 'NODE_TUTTI_ADOPTED', id, accepted: true };
    const held = { listener, used, head };
    this.#adopting.set(client, { ...held, answer });
    // The primary counts on the scoreboard from the moment it has the answer.
    this.#options.taken();
    // No byte is read before the answer has left this process: without an answer, the primary gives the connection to another worker.
    const told = guarded('taking over a connection', (error: Error | null) => {
      if (!this.#adopting.delete(client)) return;
      // If the primary is dead, nobody else gets it.
      if (error === null || isChannelLost(error)) return this.serve(client, held);
      client.close();
    });
    this.#options.send(answer, undefined, told);
  }

  /** Gives the connection to its server. */
  serve(client: RawConnection, { listener, used, head }: Held): HandOver {
    return () => {
      listener.serve(client);
      this.#served(client, used && head === undefined);
      if (head !== undefined) replay(client, head);
    };
  }

  all(): Iterable<[RawConnection, Held & { answer: ToPrimary }]> {
    return this.#adopting;
  }

  /** Forgets all of them, and returns them. */
  drop(): [RawConnection, Held][] {
    const all = [...this.#adopting];
    this.#adopting.clear();
    return all;
  }

  #takes(mode: Adopt['mode'], listener: ListenHandle, isFull: boolean): boolean {
    if (this.#accepts === 'nothing') return false;
    if (mode === 'return') return true;
    return this.#accepts === 'offers' && listener.listening && !listener.closed && (mode === 'must' || !isFull);
  }

  readonly #served = guarded('taking over a connection', (client: RawConnection, used: boolean) => {
    this.#options.served();
    const connection = newestConnection();
    if (used && connection !== null && rawOf(connection) === client) resume(connection);
  });
}
