// What both sides must know about how connections find a worker.

export type Balance = 'least-connections' | 'kernel' | 'round-robin' | 'ip-hash' | 'ports';

/** With `ip-hash`, a worker whose first connections, so many, came from one address tells it: a proxy stands in front. */
export const ONE_CLIENT_AFTER = 100;

/** Which open connections may change their worker. `idle`: those between two requests too; `unused`: only those without a request. */
export type Transfer = 'idle' | 'unused';

/** The primary accepts, and deals connections out. Otherwise the workers accept from a shared socket, each for itself. */
export function acceptsInPrimary(balance: Balance): boolean {
  return balance === 'round-robin';
}

/** Each slot has ports of its own: what its worker asks for, and its slot added. */
export function hasPortPerSlot(balance: Balance | undefined): boolean {
  return balance === 'ports';
}

/** Workers pass on what the kernel distributes unevenly. So not all of them need to accept. */
export function spreadsByTransfer(balance: Balance): boolean {
  return balance === 'least-connections' || balance === 'ip-hash';
}
