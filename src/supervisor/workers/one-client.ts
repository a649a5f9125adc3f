// Notices that `ip-hash` has nothing to go by: all clients come from one address, because a proxy stands in front. Pure; in the primary. What
// a worker sees of its clients, it tells in src/worker/balance/ip-hash.ts.

import type { Effects } from '../effects.ts';
import type { Model } from '../model.ts';

/**
 * `address`: that of a worker's first 100 connections, all of them (ONE_CLIENT_AFTER); null: it has met two. Reported once, and not at all
 * where any worker has met two before.
 */
export function noteClients(model: Model, address: string | null, effects: Effects): void {
  if (address === null) model.clients = 'several';
  else if (model.clients === 'unknown') {
    model.clients = { address };
    effects.report({ type: 'one-client', address });
  }
}

/** The one address of all clients, while that matters. */
export function oneClientOf({ clients, policy }: Model): string | null {
  return policy.balance === 'ip-hash' && typeof clients === 'object' ? clients.address : null;
}
