// How a new supervisor is told that it takes an app over from another one, and which of its descriptors are the app's listening sockets.
// Written by whoever starts it – the old supervisor in an upgrade, a worker whose supervisor has died – into the variable TUTTI_TAKEOVER, as JSON.
// What the sockets are, the new supervisor reads from the descriptors themselves.

/** It is taken out of the environment before any worker is forked. */
export const TAKEOVER_VARIABLE = 'TUTTI_TAKEOVER';

export interface HandedSocket {
  /** Its number in the new supervisor: the place in the `stdio` that it was spawned with. */
  fd: number;
  /** Which listen on port 0 it was bound for, counted from 0 by address; null: the port was named. */
  index: number | null;
  /** It belongs to a service manager, which holds it open: it is never closed for clients, and its path never removed. */
  kept: boolean;
}

export interface Takeover {
  schema: 1;
  /** `upgrade`: the old supervisor lives, and hands over on the IPC channel. `resurrection`: it is dead. */
  reason: 'upgrade' | 'resurrection';
  /** The app. */
  name: string;
  /** The old supervisor, by its pid and its birth in the kernel's clock ticks. */
  from: { pid: number; born: string };
  /** The generation of its newest workers. The new supervisor begins with the next one. */
  generation: number;
  /** How many workers it was scaled to, where that is not what its configuration said. */
  workers?: number;
  /** Which supervisor in a row it is that replaces one that did not last (orphans/revival-limit.ts). */
  revivals?: number;
  sockets: HandedSocket[];
}

/** Null if the text is none of this version. */
export function parseTakeover(text: string): Takeover | null {
  try {
    const { schema, reason, name, from, generation, workers, revivals, sockets } = JSON.parse(text) as Takeover;
    const isKnown = schema === 1 && (reason === 'upgrade' || reason === 'resurrection');
    const isFrom = typeof name === 'string' && isNumber(from?.pid) && typeof from.born === 'string';
    if (!(isKnown && isFrom && isNumber(generation) && Array.isArray(sockets))) return null;
    const isEach = sockets.every(
      ({ fd, index, kept }) => isNumber(fd) && (index === null || isNumber(index)) && typeof kept === 'boolean',
    );
    if (!isEach) return null;
    const optional = { ...(isNumber(workers) && { workers }), ...(isNumber(revivals) && { revivals }) };
    return { schema, reason, name, from, generation, ...optional, sockets };
  } catch {
    return null;
  }
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
