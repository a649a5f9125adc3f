// How many workers the load needs, within `--workers min..max`: decided from the load of their event loops, over two windows, one worker at a
// time. Pure; in the primary.
//
// Scaling up looks at a short window, scaling down at a long one. It scales down only if the same work on one worker fewer would stay well
// below the mark for scaling up. After each change both windows start again, so that a change is judged by its own effect and nothing changes
// twice within a window.

export interface LoadSample {
  at: number;
  /** The mean share of time that the loops of serving workers were busy (0…1). */
  utilization: number;
  /** The mean delay of their loops. New connections wait that long. */
  delayMs: number;
}

export interface AutoscaleTimes {
  /** The least time between two samples. */
  sampleMs: number;
  upWindowMs: number;
  downWindowMs: number;
}

export const defaultAutoscaleTimes: AutoscaleTimes = { sampleMs: 1_000, upWindowMs: 10_000, downWindowMs: 60_000 };

// The shares and delays are chosen, not measured: up before a loop is full, down only with a margin, so that it does not swing.
const upUtilization = 0.75;
/** A delay asks for more workers only if the loops are busy too: another worker does not help one that is blocked now and then. */
const late = { delayMs: 100, utilization: 0.5 };
const downUtilization = 0.5;
const downDelayMs = 50;

export interface LoadWindow {
  workers: number;
  min: number;
  max: number;
  /** Since the last change, oldest first. */
  samples: readonly LoadSample[];
  now: number;
}

export interface ScaleDecision {
  to: number;
  reason: string;
}

/** The samples with this one added and those older than every window removed. */
export function withSample(
  samples: readonly LoadSample[],
  sample: LoadSample,
  times: AutoscaleTimes,
): readonly LoadSample[] {
  const last = samples.at(-1);
  // Heartbeats are not exact. One that comes a little early is still taken.
  if (last !== undefined && sample.at < last.at + 0.8 * times.sampleMs) return samples;
  const since = sample.at - Math.max(times.upWindowMs, times.downWindowMs) - 2 * times.sampleMs;
  return [...samples.filter(({ at }) => at >= since), sample];
}

/** One worker more, one fewer, or null. */
export function decideScale(load: LoadWindow, times: AutoscaleTimes): ScaleDecision | null {
  return decideUp(load, times) ?? decideDown(load, times);
}

function decideUp(load: LoadWindow, times: AutoscaleTimes): ScaleDecision | null {
  const { workers, max } = load;
  const seen = over(load, times.upWindowMs, times.sampleMs);
  if (workers >= max || seen === null) return null;
  const { utilization, delayMs } = seen;
  const during = `over the last ${seconds(times.upWindowMs)}`;
  if (utilization >= upUtilization) {
    return { to: workers + 1, reason: `the event loops were ${percent(utilization)} busy ${during}` };
  }
  if (delayMs < late.delayMs || utilization < late.utilization) return null;
  const reason = `the event loops ran ${Math.round(delayMs)} ms late and were ${percent(utilization)} busy ${during}`;
  return { to: workers + 1, reason };
}

function decideDown(load: LoadWindow, times: AutoscaleTimes): ScaleDecision | null {
  const { workers, min } = load;
  const seen = over(load, times.downWindowMs, times.sampleMs);
  const lately = over(load, Math.min(times.upWindowMs, times.downWindowMs), times.sampleMs);
  if (workers <= min || workers <= 1 || seen === null || lately === null) return null;
  const fewer = workers / (workers - 1);
  if (seen.utilization * fewer >= downUtilization || lately.utilization * fewer >= downUtilization) return null;
  if (seen.delayMs >= downDelayMs || lately.delayMs >= downDelayMs) return null;
  const during = `over the last ${seconds(times.downWindowMs)}`;
  const reason = `the event loops were ${percent(seen.utilization)} busy ${during}, and would be ${percent(seen.utilization * fewer)} with one worker fewer`;
  return { to: workers - 1, reason };
}

/** The mean of the samples of a window, or null while they do not fill it. */
function over({ samples, now }: LoadWindow, windowMs: number, sampleMs: number): Omit<LoadSample, 'at'> | null {
  const first = samples[0];
  if (first === undefined || first.at > now - windowMs) return null;
  const within = samples.filter(({ at }) => at > now - windowMs);
  // No samples are taken while workers are replaced, so there may be too few.
  if (within.length < Math.max(1, windowMs / sampleMs / 2)) return null;
  const mean = (of: (sample: LoadSample) => number) =>
    within.reduce((sum, sample) => sum + of(sample), 0) / within.length;
  return { utilization: mean(({ utilization }) => utilization), delayMs: mean(({ delayMs }) => delayMs) };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
