// The end of accepting from a listening socket without a loss: what the kernel has queued is taken before the socket is closed. Used by
// whoever accepts: the workers, and the primary with `round-robin`.

import type { RawListenHandle } from './raw-handle.ts';

/** As many as Node's default backlog lets wait: clients that come without a pause must not keep the port open. */
const MOST = 511;

/**
 * Calls `taken` when a whole turn of the loop has passed in which `handle` accepted nothing, or when it has accepted 511 connections.
 * The handle goes on accepting meanwhile, and is the caller's to close. `soon`: as setImmediate.
 */
export function whenQueueTaken(handle: RawListenHandle, soon: (job: () => void) => void, taken: () => void): void {
  const accept = handle.onconnection;
  let accepted = 0;
  let before = -1;
  handle.onconnection = (status, client) => {
    accepted += 1;
    if (accept !== undefined) Reflect.apply(accept, handle, [status, client]);
  };
  const look = (): void => {
    if (accepted === before || accepted >= MOST) {
      taken();
      return;
    }
    before = accepted;
    soon(look);
  };
  // Between the two looks lies a poll of every descriptor.
  soon(look);
}
