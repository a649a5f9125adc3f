// `ip-hash`: every client address belongs to one worker, its home, and connections that arrive elsewhere are passed on to it. This is
// rendezvous hashing over slots: each slot bids for the address, and the highest bid wins. When a slot comes or goes, only the clients that
// it wins or loses move. Runs in the worker; the primary takes them there in src/host/connections/best-sibling.ts.

import { ONE_CLIENT_AFTER } from '../../protocol/balance.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import * as clock from '../clock.ts';
import type { ScoreboardSeat } from '../report/scoreboard-seat.ts';
import { Balancer, type Placement } from './balancer.ts';

/** How long after a change of the workers misplaced clients are looked for. */
const REHOME_MS = 5000;
/** The prefix of an IPv4 address on an IPv6 socket. It is the same client. */
const MAPPED = '::ffff:';

export class IpHash extends Balancer {
  #members = '';
  #membersChangedAt = Number.NEGATIVE_INFINITY;
  readonly #tell: (address: string | null) => void;
  #hasSeveral = false;
  #firstHash = 0;
  #met = 0;

  /** `tell` hears of the one address that all clients have, or of null when there are several: each at most once. */
  constructor(board: ScoreboardSeat, count: () => number, tell: (address: string | null) => void) {
    super(board, count);
    this.#tell = tell;
  }

  override place(client: RawConnection, now: number): Placement | null {
    this.changed(now);
    const address = addressOf(client);
    if (address === null) return null;
    const hash = hashAddress(address);
    if (!this.#hasSeveral) this.#note(address, hash);
    return this.#homeOf(hash, now);
  }

  override surplus(): number {
    if (this.slot === null || this.held === 0) return 0;
    return this.#membersChanged(clock.now()) ? Number.POSITIVE_INFINITY : 0;
  }

  override home(client: RawConnection, mustLeave: boolean, moved: number): Placement | null {
    return this.#home(client, clock.now()) ?? (mustLeave ? super.home(client, mustLeave, moved) : null);
  }

  /** Whether a worker came or went lately, so that clients may be in the wrong place. */
  #membersChanged(now: number): boolean {
    const members = this.siblings(now)
      .map(({ slot }) => slot)
      .sort()
      .join();
    if (members !== this.#members) this.#membersChangedAt = now;
    this.#members = members;
    return now - this.#membersChangedAt < REHOME_MS;
  }

  #note(address: string, hash: number): void {
    if (this.#met === 0) this.#firstHash = hash;
    this.#met += 1;
    this.#hasSeveral = hash !== this.#firstHash;
    if (this.#hasSeveral) this.#tell(null);
    else if (this.#met === ONE_CLIENT_AFTER) this.#tell(address.slice(mappedLength(address)));
  }

  #home(client: RawConnection, now: number): Placement | null {
    const address = addressOf(client);
    return address === null ? null : this.#homeOf(hashAddress(address), now);
  }

  #homeOf(hash: number, now: number): Placement | null {
    let best = this.slot === null ? -1 : bid(hash, this.slot);
    let to: number | null = null;
    for (const { cell, slot } of this.siblings(now)) {
      const offered = slot === this.slot ? -1 : bid(hash, slot);
      if (offered <= best) continue;
      best = offered;
      to = cell;
    }
    return to === null ? null : { to, held: null };
  }
}

/** Null: a client without one, on a unix socket, is at home anywhere. */
function addressOf(client: RawConnection): string | null {
  const name: { address?: string } = {};
  if (client.getpeername === undefined || client.getpeername(name) !== 0) return null;
  return name.address ?? null;
}

export function hashAddress(address: string): number {
  let hash = 0x811c9dc5;
  for (let i = mappedLength(address); i < address.length; i++)
    hash = Math.imul(hash ^ address.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function mappedLength(address: string): number {
  return address.startsWith(MAPPED) && address.includes('.') ? MAPPED.length : 0;
}

/** How much a slot bids for a hashed address. */
export function bid(hash: number, slot: number): number {
  let mixed = hash ^ Math.imul(slot + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
