// Counts this worker's listens on port 0 by address, so that the n-th of each worker gets the same socket. Runs in the worker.

import type { ListenRequest } from '../../protocol/messages.ts';

export class AnyPort {
  readonly #counts = new Map<string, number>();

  /** 0 if the port is named. */
  index({ port, addressType, address, flags }: Omit<ListenRequest, 'index'>): number {
    if (port !== 0) return 0;
    const place = `${addressType}:${address}:${flags}`;
    const index = this.#counts.get(place) ?? 0;
    this.#counts.set(place, index + 1);
    return index;
  }

  /** The worker no longer listens anywhere. */
  forget(): void {
    this.#counts.clear();
  }
}
