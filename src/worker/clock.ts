// Node's clock and its measure of the event loop, as they were before the application's code: it may set them to what it likes. Runs in
// the worker.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { failed } from './guard.ts';

const read: () => number = performance.now.bind(performance);
let last = 0;

/** Ms, monotonic, as performance.now(). Never throws. */
export function now(): number {
  try {
    last = read();
  } catch (error) {
    failed('performance.now()', error);
  }
  return last;
}

export const loopUse: () => EventLoopUtilization = performance.eventLoopUtilization.bind(performance);
