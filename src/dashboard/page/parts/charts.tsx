// Traffic and latency over the last minutes or the last hour.

import { useMemo, useState } from 'preact/hooks';
import type { HistoryPoint } from '../../../metrics/history.ts';
import { formatMs, formatRate } from '../format.ts';
import type { PageState } from '../state/store.ts';
import { Chart } from './chart.tsx';

const ranges = { '5 min': 300, '1 hour': 3600 } as const;
type Range = keyof typeof ranges;

export function Charts({ state }: { state: PageState }) {
  const [range, setRange] = useState<Range>('5 min');
  const points = useMemo(
    () => (range === '5 min' ? state.seconds : joined(state.hour, state.seconds)),
    [range, state.hour, state.seconds],
  );
  const series = useMemo(() => seriesOf(points, range === '5 min' ? 1 : 10), [points, range]);
  const to = series.times.at(-1) ?? Date.now() / 1000;
  const common = {
    times: series.times,
    marks: series.marks,
    syncKey: 'charts',
    // A young app fills the chart too; it gets its full width with time.
    fromSeconds: Math.max(to - ranges[range], Math.min(series.times[0] ?? 0, to - 60)),
    toSeconds: to,
  };
  const trafficLines = useMemo(
    () => [
      { name: 'requests/s', color: '--accent', values: series.requests, filled: true },
      { name: '5xx/s', color: '--bad', values: series.errors },
    ],
    [series],
  );
  const latencyLines = useMemo(
    () => [
      { name: 'p50', color: '--series-1', values: series.p50 },
      { name: 'p95', color: '--series-2', values: series.p95 },
      { name: 'p99', color: '--series-3', values: series.p99 },
    ],
    [series],
  );
  return (
    <section class="charts" aria-label="Load">
      <div class="section-head">
        <h2>Load</h2>
        <fieldset class="segmented" aria-label="Time span of the charts">
          {(Object.keys(ranges) as Range[]).map((name) => (
            <button key={name} type="button" aria-pressed={name === range} onClick={() => setRange(name)}>
              {name}
            </button>
          ))}
        </fieldset>
      </div>
      <Chart
        title="Traffic"
        lines={trafficLines}
        format={(value) => (value === null ? '–' : formatRate(value))}
        {...common}
      />
      <Chart title="Latency" lines={latencyLines} format={formatLatency} {...common} />
    </section>
  );
}

function formatLatency(ms: number | null): string {
  const { value, unit } = formatMs(ms);
  return unit === '' ? value : `${value} ${unit}`;
}

/** The hour by ten seconds, and the seconds since its last point. */
function joined(hour: readonly HistoryPoint[], seconds: readonly HistoryPoint[]): HistoryPoint[] {
  const end = hour.at(-1)?.at ?? 0;
  return [...hour, ...seconds.filter((point) => point.at > end)];
}

function seriesOf(points: readonly HistoryPoint[], stepSeconds: number) {
  const series = {
    times: [] as number[],
    requests: [] as (number | null)[],
    errors: [] as (number | null)[],
    p50: [] as (number | null)[],
    p95: [] as (number | null)[],
    p99: [] as (number | null)[],
    marks: [] as number[],
  };
  let before: HistoryPoint | null = null;
  for (const point of points) {
    // Where nothing was measured there is no line.
    if (before && point.at - before.at > stepSeconds * 4000) add(series, (before.at + 1) / 1000, null);
    if (before && point.generation !== before.generation) series.marks.push(point.at / 1000);
    add(series, point.at / 1000, point);
    before = point;
  }
  return series;
}

function add(series: ReturnType<typeof seriesOf>, time: number, point: HistoryPoint | null): void {
  series.times.push(time);
  series.requests.push(point?.requestsPerSecond ?? null);
  series.errors.push(point?.errorsPerSecond ?? null);
  series.p50.push(point?.p50Ms ?? null);
  series.p95.push(point?.p95Ms ?? null);
  series.p99.push(point?.p99Ms ?? null);
}
