// How many workers the load needs, within `--workers min..max`: decided from what the workers' event loops say of themselves, over two
// windows, one worker at a time. Pure; in the primary.
//
// Up looks at a short window and down at a long one, and down only goes where up would not come from: with one worker fewer, the same
// work has to leave the loops well below what asks for one more. After each change both windows begin anew, so that a change is judged
// by its own effect and nothing changes twice within a window.

export interface LoadSample {
  at: number;
  /** Of the workers that serve: the mean of the share of time that their loops were busy (0…1). */
  utilization: number;
  /** And the mean of how late their loops got to what was due: new connections wait as long. */
  delayMs: number;
}

export interface AutoscaleTimes {
  /** Not more often than this is a sample taken. */
  sampleMs: number;
  upWindowMs: number;
  downWindowMs: number;
}

export const defaultAutoscaleTimes: AutoscaleTimes = { sampleMs: 1_000, upWindowMs: 10_000, downWindowMs: 60_000 };

const upUtilization = 0.75;
/** Late loops ask for more workers only if they are busy too: one that is blocked now and then is not helped by another. */
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

/** The samples with this one, without those that no window reaches any more. */
export function withSample(
  samples: readonly LoadSample[],
  sample: LoadSample,
  times: AutoscaleTimes,
): readonly LoadSample[] {
  const last = samples.at(-1);
  // Heartbeats come when they come: a little early is no reason to leave one out.
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
  // No samples are taken while workers are replaced: what is left may say too little.
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
