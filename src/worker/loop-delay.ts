// How late the worker's loop is, by a timer in C++. Each sample wakes an idle process, so it samples often only while the loop is
// busy, and not at all while nothing happens. Runs in the worker.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { attempt } from './guard.ts';

const BUSY_RESOLUTION_MS = 20;
const CALM_RESOLUTION_MS = 100;
/** In a loop that is free for most of the time, a sample is seldom late. */
const BUSY_UTILIZATION = 0.4;

interface Sampler {
  histogram: ReturnType<typeof monitorEventLoopDelay>;
  resolutionMs: number;
}

export class LoopDelay {
  /** Null: it cannot be measured. */
  readonly #busy = sampler(BUSY_RESOLUTION_MS);
  readonly #calm = sampler(CALM_RESOLUTION_MS);
  #current: Sampler | null = null;

  /** Samples from now on, as often as a loop of that utilization is worth. */
  watch(utilization: number): void {
    const wanted = utilization < BUSY_UTILIZATION ? this.#calm : this.#busy;
    if (wanted === this.#current) return;
    this.rest();
    this.#current = attempt('the delay of the event loop', () => wanted?.histogram.enable(), false) ? wanted : null;
  }

  rest(): void {
    const current = this.#current;
    attempt('the delay of the event loop', () => current?.histogram.disable(), false);
    this.#current = null;
  }

  /** Of the samples since the last call; 0 without any. */
  takeP99Ms(): number {
    const current = this.#current;
    if (current === null || current.histogram.count === 0) return 0;
    // The histogram holds whole intervals, so what the timer was set to is taken off.
    const lateMs = current.histogram.percentile(99) / 1e6 - current.resolutionMs;
    current.histogram.reset();
    return Math.max(0, lateMs);
  }
}

function sampler(resolutionMs: number): Sampler | null {
  const make = (): Sampler => ({ histogram: monitorEventLoopDelay({ resolution: resolutionMs }), resolutionMs });
  return attempt('the delay of the event loop', make, null);
}
