// Tells a descriptor that the application made in this worker from one that the primary inherited from its service manager. Runs in
// the worker.

import { closeSync, fstatSync, openSync } from 'node:fs';
import { attempt } from '../guard.ts';
import { process } from '../own-process.ts';

/** All below are Node's and tutti's own: the lowest free number is given first. */
let firstFree = Number.POSITIVE_INFINITY;

/** Call it before the application runs. */
export function beginOwnDescriptors(): void {
  if (process.platform === 'win32') return;
  firstFree = attempt('finding a free descriptor', lowestFree, firstFree);
}

/** A socket that was made here. `fd` of the primary's have the same small numbers; where LISTEN_FDS counts them, it is believed. */
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
