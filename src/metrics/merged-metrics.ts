// Many workers' metrics as one, each by its own aggregator, as prom-client would merge them; but bounded, and in steps, because it is done in
// the loop that supervises. Pure; runs in the primary.

import type { Room } from '../protocol/app-metric.ts';
import type { AppMetric } from '../protocol/messages.ts';

type Value = AppMetric['values'][number];

/** A metric whose values may be looked at one by one. */
export type Told = Omit<AppMetric, 'values'> & { values: Iterable<Value> };

interface Merged {
  metric: AppMetric;
  aggregator: string;
  /** One for each set of labels; the values of a histogram or summary that belong together are in one. */
  groups: Map<string, Map<string, { value: Value; count: number }>>;
}

/** So many values are merged in one go. */
const STEP = 200;

export class MergedMetrics {
  readonly #room: Room;
  readonly #merged = new Map<string, Merged>();
  #values = 0;
  #bytes = 0;
  /** Values that there was no room for, counted each time. */
  leftOut = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Yields now and then: whoever calls it may do something else before it goes on. */
  *adding(metrics: Iterable<Told>): Generator<void> {
    let step = 0;
    for (const metric of metrics) {
      const merged = this.#of(metric);
      if (merged === null) continue;
      for (const value of metric.values) {
        this.#add(merged, value);
        step += 1;
        if (step % STEP === 0) yield;
      }
    }
  }

  metrics(): AppMetric[] {
    return [...this.#merged.values()].map(({ metric, aggregator, groups }) => ({
      ...metric,
      values: [...groups.values()].flatMap((group) =>
        [...group.values()].map(({ value, count }) =>
          aggregator === 'average' ? { ...value, value: value.value / count } : { ...value },
        ),
      ),
    }));
  }

  /** Null for a metric that is not to be merged. */
  #of(metric: Told): Merged | null {
    const aggregator = metric.aggregator ?? 'sum';
    if (!Object.hasOwn(combine, aggregator)) return null;
    let merged = this.#merged.get(metric.name);
    if (merged === undefined) {
      merged = { metric: { ...metric, values: [] }, aggregator, groups: new Map() };
      this.#merged.set(metric.name, merged);
    }
    return merged;
  }

  #add({ metric, aggregator, groups }: Merged, given: Value): void {
    const parts = metric.type === 'histogram' ? 'le' : metric.type === 'summary' ? 'quantile' : null;
    const labels = Object.entries(given.labels).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify(labels.filter(([name]) => name !== parts));
    let group = groups.get(key);
    if (group === undefined) {
      if (this.#values >= this.#room.values || this.#bytes >= this.#room.bytes) {
        this.leftOut += 1;
        return;
      }
      group = new Map();
      groups.set(key, group);
    }
    const part = `${given.metricName ?? ''} ${parts === null ? '' : (given.labels[parts] ?? '')}`;
    const known = group.get(part);
    if (known === undefined) {
      group.set(part, { value: { ...given }, count: 1 });
      this.#values += 1;
      this.#bytes += key.length + part.length;
      return;
    }
    known.value.value = combine[aggregator as keyof typeof combine](known.value.value, given.value);
    known.count += 1;
  }
}

const combine = {
  sum: (a: number, b: number) => a + b,
  average: (a: number, b: number) => a + b,
  first: (a: number) => a,
  min: Math.min,
  max: Math.max,
};
