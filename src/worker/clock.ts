// Node's clock and its measure of the event loop, taken before the application runs, which may replace them. Runs in the worker.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { failed } from './guard.ts';

const read: () => number = performance.now.bind(performance);
let last = 0;

/** performance.now(): monotonic, in ms. Never throws. */
export function now(): number {
  try {
    last = read();
  } catch (error) {
    failed('performance.now()', error);
  }
  return last;
}

export const loopUse: () => EventLoopUtilization = performance.eventLoopUtilization.bind(performance);
