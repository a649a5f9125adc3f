// What another supervisor has to know of this worker's copies of the app's sockets, to go on with them. Runs in the worker;
// host/sockets/inherited-sockets.ts takes them over.

import type { HandedSocket } from '../../protocol/takeover.ts';

interface Copy {
  /** -1: there is none. */
  fd: number;
}

/** By their numbers in this process. Both maps are by the primary's key of a socket. Null: the primary accepts for some of them. */
export function handedSockets(
  servers: ReadonlyMap<string, { handle: Copy & { dispatched: boolean } }>,
  datagrams: ReadonlyMap<string, Copy>,
): HandedSocket[] | null {
  const all = [...datagrams].map(([key, copy]) => handed(key, copy));
  for (const [key, { handle }] of servers) {
    if (handle.dispatched) return null;
    all.push(handed(key, handle));
  }
  return all.filter(({ fd }) => fd >= 0);
}

/** As a key ends: the descriptor that was asked for, and which of the listens on any port it was. */
function handed(key: string, { fd }: Copy): HandedSocket {
  const [named, index] = key.split('|').slice(-2);
  return { fd, index: index ? Number(index) : null, kept: Boolean(named) };
}
