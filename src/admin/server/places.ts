// Who may stay connected to a door of the admin API. The newest client always gets a place, because it may be a probe: when the door is full, the
// client goes that has been silent for longest, of the address that has the most. Pure but for its clock; runs in the primary.

/** At one door at a time. Streams and commands under way, of which there are fewer, are never sent away. */
export const MAX_CLIENTS = 64;
/** Of them from one address, where there are addresses. */
export const MAX_PER_ADDRESS = 56;
/** A client that says nothing, or does not finish saying it. */
const SILENT_MS = 10_000;
/** A client that does not take its answer. The slowest answer takes a few seconds. */
const UNREAD_MS = 30_000;
/** Answers that nobody has taken yet, over all clients of a door. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
export const SWEEP_MS = 1000;

export interface Client {
  /** Where it comes from; empty for a client of a socket in the file system. */
  address: string;
  /** What was answered and not taken. */
  unreadBytes(): number;
  leave(): void;
}

/** `silent`: has not asked, or has its answer · `asking` · `staying`: a stream, or a command under way. */
type State = 'silent' | 'asking' | 'staying';

interface Entry {
  state: State;
  /** Since when. */
  since: number;
}

export class Places {
  readonly #clients = new Map<Client, Entry>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Sends another client away if there is no place; the new one if none can go. */
  enter(client: Client): void {
    const crowd = this.#crowd(client.address);
    if (crowd !== null) {
      const [leaving] = crowd.filter(([, { state }]) => state !== 'staying').sort(bySilence)[0] ?? [client];
      this.left(leaving);
      leaving.leave();
      if (leaving === client) return;
    }
    this.#clients.set(client, { state: 'silent', since: this.#now() });
  }

  /** What it does from now on; nothing for one that has gone. */
  becomes(client: Client, state: State): void {
    if (this.#clients.has(client)) this.#clients.set(client, { state, since: this.#now() });
  }

  left(client: Client): void {
    this.#clients.delete(client);
  }

  /** To be called about once a second while there are clients, and after each answer. */
  sweep(): void {
    const now = this.#now();
    let unread = 0;
    // The newest answers first: what there is no room for is the oldest.
    for (const [client, { state, since }] of [...this.#clients].sort(([, a], [, b]) => b.since - a.since)) {
      if (state === 'staying') continue;
      const bytes = client.unreadBytes();
      unread += bytes;
      const isLate = now - since >= (state === 'silent' ? SILENT_MS : UNREAD_MS);
      if (isLate || (bytes > 0 && unread > MAX_UNREAD_BYTES)) {
        this.left(client);
        client.leave();
      }
    }
  }

  /** Of whom one has to go before a client of that address can come; null if there is a place. */
  #crowd(address: string): [Client, Entry][] | null {
    const neighbours = this.#of(address);
    if (address !== '' && neighbours.length >= MAX_PER_ADDRESS) return neighbours;
    return this.#clients.size >= MAX_CLIENTS ? this.#largest() : null;
  }

  #of(address: string): [Client, Entry][] {
    return [...this.#clients].filter(([client]) => client.address === address);
  }

  #largest(): [Client, Entry][] {
    const counts = new Map<string, number>();
    for (const { address } of this.#clients.keys()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const [[address] = ['']] = [...counts].sort(([, a], [, b]) => b - a);
    return this.#of(address);
  }
}

/** Those that have nothing under way first, and of them those that have been silent for longest. */
function bySilence([, a]: [Client, Entry], [, b]: [Client, Entry]): number {
  return a.state === b.state ? a.since - b.since : a.state === 'silent' ? -1 : 1;
}
