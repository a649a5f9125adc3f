// How late the worker's loop is, by a timer in C++. Each sample wakes an idle process, so it samples often only while the loop is
// busy, and not at all while nothing happens: then the heartbeat's own lateness has to do. Runs in the worker.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { attempt } from '../guard.ts';

const BUSY_RESOLUTION_MS = 20;
const CALM_RESOLUTION_MS = 100;
/** In a loop that is free for most of the time, a sample is seldom late. */
const BUSY_UTILIZATION = 0.4;

interface Sampler {
  histogram: ReturnType<typeof monitorEventLoopDelay>;
  resolutionMs: number;
  /** It has sampled before. A reset writes to all of its memory, 270 kB, which a fresh one has not taken from the system yet. */
  isUsed: boolean;
}

export class LoopDelay {
  readonly #everyMs: number;
  /** Null: it cannot be measured. */
  readonly #busy = sampler(BUSY_RESOLUTION_MS);
  readonly #calm = sampler(CALM_RESOLUTION_MS);
  #current: Sampler | null = null;

  /** `everyMs`: how often it is asked, by a timer of the loop itself. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Samples from now on, as often as a loop of that utilization is worth. */
  watch(utilization: number): void {
    const wanted = utilization < BUSY_UTILIZATION ? this.#calm : this.#busy;
    if (wanted === this.#current) return;
    this.rest();
    if (wanted === null) return;
    const enable = (): boolean => {
      // Else the whole time that it rested would be its first sample.
      if (wanted.isUsed) wanted.histogram.reset();
      wanted.isUsed = true;
      return wanted.histogram.enable();
    };
    this.#current = attempt('the delay of the event loop', enable, false) ? wanted : null;
  }

  rest(): void {
    const current = this.#current;
    attempt('the delay of the event loop', () => current?.histogram.disable(), false);
    this.#current = null;
  }

  /** Of the time since the last call, which is so long ago. Never more than that. */
  takeP99Ms(elapsedMs: number): number {
    const current = this.#current;
    if (current === null) return Math.max(0, elapsedMs - this.#everyMs);
    const { histogram, resolutionMs } = current;
    const { count } = histogram;
    // The histogram holds whole intervals, so what the timer was set to is taken off.
    const lateMs = count === 0 ? 0 : histogram.percentile(99) / 1e6 - resolutionMs;
    const sampledMs = count === 0 ? 0 : (count * histogram.mean) / 1e6;
    histogram.reset();
    // After a reset the first tick only marks the begin of an interval: a loop that stood still before it shows as time without samples.
    const missedMs = elapsedMs - sampledMs - 2 * resolutionMs;
    return Math.min(elapsedMs, Math.max(0, lateMs, missedMs));
  }
}

function sampler(resolutionMs: number): Sampler | null {
  const make = (): Sampler => ({
    histogram: monitorEventLoopDelay({ resolution: resolutionMs }),
    resolutionMs,
    isUsed: false,
  });
  return attempt('the delay of the event loop', make, null);
}
