// Whether there is room for more workers. The plan asks before it starts one beside those that serve. Pure; in the primary.

import { megabytes } from './recycle.ts';

export interface MemoryRoom {
  /** What the tightest control group has left, including what the kernel can reclaim. */
  freeBytes: number;
  /** What one more worker would take, judged by the others; 0 if unknown. */
  workerBytes: number;
}

export interface Headroom {
  /** How many workers may boot at the same time when empty slots are filled. */
  parallelStarts: number;
  /** Why there is no memory for one more worker beside the `starting` ones; null if there is, or if there is no limit. */
  shortage(starting: number): string | null;
}

export function shortageOf(room: MemoryRoom | null, starting: number): string | null {
  if (room === null || room.freeBytes >= room.workerBytes * (1 + starting)) return null;
  return `there is no memory for one more worker: the control group has ${megabytes(room.freeBytes)} left, and a worker takes about ${megabytes(room.workerBytes)}`;
}
