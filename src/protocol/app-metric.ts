// The application's own metrics on their way from a worker to the primary: bounded, and with the numbers that JSON cannot express. Used by
// both.

import type { AppMetric } from './messages.ts';

export interface Fitted {
  metrics: AppMetric[];
  /** How many values there was no room for. */
  leftOut: number;
}

export interface Room {
  values: number;
  bytes: number;
}

/** For one worker. */
export const WORKER_ROOM: Room = { values: 10_000, bytes: 2 * 1024 * 1024 };
const MOST_HELP = 1000;
/** Of a value with its punctuation. */
const VALUE_BYTES = 32;

/** Keeps the smaller metrics whole, and as much of the largest as there is room for. Histograms and summaries are never cut. */
export function fitMetrics(metrics: readonly AppMetric[], room: Room): Fitted {
  const left = { ...room };
  const fitted: AppMetric[] = [];
  let leftOut = 0;
  for (const metric of [...metrics].sort((a, b) => a.values.length - b.values.length)) {
    const inParts = metric.type === 'histogram' || metric.type === 'summary';
    let count = 0;
    let bytes = 0;
    let whole = { count: 0, bytes: 0 };
    for (const value of metric.values) {
      bytes += sizeOf(value);
      if (count >= left.values || bytes > left.bytes) break;
      count += 1;
      if (!inParts || value.metricName?.endsWith('_count')) whole = { count, bytes };
    }
    left.values -= whole.count;
    left.bytes -= whole.bytes;
    leftOut += metric.values.length - whole.count;
    if (whole.count < metric.values.length && whole.count === 0) continue;
    fitted.push({ ...metric, help: metric.help.slice(0, MOST_HELP), values: metric.values.slice(0, whole.count) });
  }
  return { metrics: fitted, leftOut };
}

function sizeOf({ labels, metricName = '' }: AppMetric['values'][number]): number {
  let bytes = VALUE_BYTES + metricName.length;
  for (const [name, value] of Object.entries(labels)) bytes += name.length + String(value).length;
  return bytes;
}

/** Numbers that JSON would turn into null become strings. */
export function toWire(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** Null if `value` is neither a number nor such a string. */
export function fromWire(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : null;
}
