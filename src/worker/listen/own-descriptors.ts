// Tells a descriptor that the application made in this worker from one that the primary inherited from its service manager. Runs in
// the worker.

import { closeSync, fstatSync, openSync } from 'node:fs';
import { attempt } from '../guard.ts';
import { process } from '../own-process.ts';

/** All lower numbers are Node's and tutti's, because the system gives out the lowest free number. */
let firstFree = Number.POSITIVE_INFINITY;

/** Call it before the application runs. */
export function beginOwnDescriptors(): void {
  if (process.platform === 'win32') return;
  firstFree = attempt('finding a free descriptor', lowestFree, firstFree);
}

/** Whether the socket was made in this process. The primary's descriptors have the same small numbers; LISTEN_FDS tells them apart. */
export function isOwnSocket(fd: number): boolean {
  if (fd < firstFree || fd < 3 + Number(process.env.LISTEN_FDS || 0)) return false;
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

function lowestFree(): number {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  return fd;
}
