// Stops accepting from a listening socket without a loss: the kernel's queue is emptied before the socket is closed. Used by whoever accepts:
// the workers, and the primary with `round-robin`.

import type { RawListenHandle } from './raw-handle.ts';

/** Node's default backlog. Clients that keep coming must not keep the port open. */
const MOST = 511;

/**
 * Calls `taken` when `handle` has accepted nothing in a whole turn of the loop, or when it has accepted 511 connections. The handle goes on
 * accepting meanwhile; the caller closes it. `soon`: as setImmediate.
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
  // Between the two looks the loop polls every descriptor.
  soon(look);
}
