// Remembers where a worker could not listen, and where it let the system choose, from the messages that pass by (primary). An application
// that handles the error itself prints nothing that the primary could read.

import { getSystemErrorName } from 'node:util';
import type { ToPrimary, ToWorker } from '../../protocol/messages.ts';
import type { PortSearch } from '../../supervisor/vocabulary/inputs.ts';

type Listen = Extract<ToPrimary, { cmd: 'NODE_TUTTI_LISTEN' }>;

/** The most ports that are remembered of a program that tries one after another. */
const MOST = 100;

export class BindFailures {
  readonly #asked = new Map<number, Listen>();
  readonly #missed = new Set<number>();
  readonly #chosen = new Set<number>();
  #last: string | null = null;

  asked(message: ToPrimary): void {
    if (message.cmd === 'NODE_TUTTI_LISTEN') this.#asked.set(message.seq, message);
  }

  answered(message: ToWorker): void {
    if (message.cmd !== 'NODE_TUTTI_LISTEN_REPLY') return;
    const request = this.#asked.get(message.seq);
    this.#asked.delete(message.seq);
    // It listens somewhere else, so the failure did not end it.
    if (message.errno === 0 || request === undefined) this.#last = null;
    else this.#last = describe(request, message.errno);
    const port = message.name?.port;
    if (message.own && request?.port != null && this.#missed.size < MOST) this.#missed.add(request.port);
    if (request?.port === 0 && port !== undefined && this.#chosen.size < MOST) this.#chosen.add(port);
  }

  /** Which ports it found taken when it looked for one to listen on. */
  get search(): PortSearch {
    return { missed: [...this.#missed], chosen: [...this.#chosen] };
  }

  /** In node's own words; null if the last attempt succeeded. */
  get last(): string | null {
    return this.#last;
  }
}

function describe({ address, port, addressType }: Listen, errno: number): string {
  const code = getSystemErrorName(errno);
  const why =
    code === 'EADDRINUSE' ? 'address already in use' : code === 'EACCES' ? 'permission denied' : 'not possible';
  const where = addressType === -1 ? address : `${address ?? '::'}:${port}`;
  return `listen ${code}: ${why} ${where}`;
}
