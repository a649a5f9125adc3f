// What the machine has for more workers. The plan asks when it is about to start one beside those that serve. Pure; in the primary.

import { megabytes } from './recycle.ts';

export interface MemoryRoom {
  /** What the tightest control group has left, with what the kernel would give back. */
  freeBytes: number;
  /** What one more worker would take: what the others take. 0 if that is not known. */
  workerBytes: number;
}

export interface Headroom {
  /** How many workers may boot at the same time when empty slots are filled. */
  parallelStarts: number;
  /** Why there is no memory for one more worker beside those that are `starting`; null if there is, or if nothing limits it. */
  shortage(starting: number): string | null;
}

export function shortageOf(room: MemoryRoom | null, starting: number): string | null {
  if (room === null || room.freeBytes >= room.workerBytes * (1 + starting)) return null;
  return `there is no memory for one more worker: the control group has ${megabytes(room.freeBytes)} left, and a worker takes about ${megabytes(room.workerBytes)}`;
}
