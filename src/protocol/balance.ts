// What both sides have to know of how connections find a worker.

export type Balance = 'least-connections' | 'kernel' | 'round-robin' | 'ip-hash';

/** Which open connections may change their worker: those between two requests too, or only those without a request yet. */
export type Transfer = 'idle' | 'unused';

/** The primary accepts, and deals connections out. Otherwise the workers accept from a shared socket, each for itself. */
export function acceptsInPrimary(balance: Balance): boolean {
  return balance === 'round-robin';
}

/** Workers correct by transfers what the kernel deals unevenly; so not all of them need accept. */
export function spreadsByTransfer(balance: Balance): boolean {
  return balance === 'least-connections' || balance === 'ip-hash';
}
