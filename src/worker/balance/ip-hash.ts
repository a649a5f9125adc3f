// Which worker a client's address belongs to: rendezvous hashing over slots. Each slot bids for the address and the highest bid
// wins, so that a slot that comes or goes moves only the clients it wins or loses.

/** An IPv4 address that arrives on an IPv6 socket is still that IPv4 address. */
const MAPPED = '::ffff:';

export function hashAddress(address: string): number {
  let hash = 0x811c9dc5;
  const start = address.startsWith(MAPPED) && address.includes('.') ? MAPPED.length : 0;
  for (let i = start; i < address.length; i++) hash = Math.imul(hash ^ address.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** How much a slot bids for a hashed address. */
export function bid(hash: number, slot: number): number {
  let mixed = hash ^ Math.imul(slot + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
