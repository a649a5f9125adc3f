// Counts the listens on port 0 of this worker by address, so that the n-th of every worker means the same socket.

import type { ListenRequest } from '../../protocol/messages.ts';

export class AnyPort {
  readonly #counts = new Map<string, number>();

  /** 0 where a port is named. */
  index({ port, addressType, address, flags }: Omit<ListenRequest, 'index'>): number {
    if (port !== 0) return 0;
    const place = `${addressType}:${address}:${flags}`;
    const index = this.#counts.get(place) ?? 0;
    this.#counts.set(place, index + 1);
    return index;
  }

  /** The worker listens nowhere any more. */
  forget(): void {
    this.#counts.clear();
  }
}
