// Remembers what a worker could not listen on, from the messages that pass by: an application that handles the error itself and
// leaves says nothing of it that the primary could read (primary).

import { getSystemErrorName } from 'node:util';
import type { ToPrimary, ToWorker } from '../protocol/messages.ts';

type Listen = Extract<ToPrimary, { cmd: 'NODE_TUTTI_LISTEN' }>;

export class BindFailures {
  readonly #asked = new Map<number, Listen>();
  #last: string | null = null;

  asked(message: ToPrimary): void {
    if (message.cmd === 'NODE_TUTTI_LISTEN') this.#asked.set(message.seq, message);
  }

  answered(message: ToWorker): void {
    if (message.cmd !== 'NODE_TUTTI_LISTEN_REPLY') return;
    const request = this.#asked.get(message.seq);
    this.#asked.delete(message.seq);
    // It listens somewhere else then: the failure was not what ended it.
    if (message.errno === 0 || request === undefined) this.#last = null;
    else this.#last = describe(request, message.errno);
  }

  /** Worded as node words it; null if the last attempt succeeded. */
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
