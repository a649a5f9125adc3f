// Measures how late the worker's loop is, by a timer in C++. Each sample wakes an idle process, so it samples often only while the loop is
// busy. While nothing happens it does not sample; the lateness of the heartbeat is used instead. Runs in the worker.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { attempt } from '../guard.ts';

const BUSY_RESOLUTION_MS = 20;
const CALM_RESOLUTION_MS = 100;
/** In a loop that is idle most of the time, a sample is rarely late. */
const BUSY_UTILIZATION = 0.4;

interface Sampler {
  histogram: ReturnType<typeof monitorEventLoopDelay>;
  resolutionMs: number;
  /** It has sampled before. Only then is it reset: a reset touches all of its 270 kB, which a fresh histogram has not allocated yet. */
  isUsed: boolean;
}

export class LoopDelay {
  readonly #everyMs: number;
  /** Null: it cannot be measured. */
  readonly #busy = sampler(BUSY_RESOLUTION_MS);
  readonly #calm = sampler(CALM_RESOLUTION_MS);
  #current: Sampler | null = null;

  /** `everyMs`: how often takeP99Ms() is called, by a timer of the loop itself. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** From now on, samples as often as suits a loop with that utilization. */
  watch(utilization: number): void {
    const wanted = utilization < BUSY_UTILIZATION ? this.#calm : this.#busy;
    if (wanted === this.#current) return;
    this.rest();
    if (wanted === null) return;
    const enable = (): boolean => {
      // Otherwise its first sample would be the whole time that it was off.
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

  /** The 99th percentile since the last call, `elapsedMs` ago. Never more than `elapsedMs`. */
  takeP99Ms(elapsedMs: number): number {
    const current = this.#current;
    if (current === null) return Math.max(0, elapsedMs - this.#everyMs);
    const { histogram, resolutionMs } = current;
    const { count } = histogram;
    // The histogram holds whole intervals, so the timer's own interval is subtracted.
    const lateMs = count === 0 ? 0 : histogram.percentile(99) / 1e6 - resolutionMs;
    const sampledMs = count === 0 ? 0 : (count * histogram.mean) / 1e6;
    histogram.reset();
    // After a reset the first tick only starts an interval, so a loop that stood still before it shows as time without samples.
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
