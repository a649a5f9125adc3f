// The application's own metrics over all workers: asks every worker for what its prom-client has counted, and merges the answers by
// each metric's aggregator. What a worker had counted stays counted when it is gone. A worker that does not answer delays the page by at
// most `timeoutMs` and takes its last known counters with it, not its gauges. Runs in the primary.

import type { AppMetric } from '../protocol/messages.ts';
import type { WorkerId } from '../supervisor/actions.ts';

export interface AppMetricsSource {
  /** Asks every worker that gives signs of life, and says which ones it asked and which ones are too quiet to be asked. */
  ask(seq: number): { asked: readonly WorkerId[]; quiet: readonly WorkerId[] };
}

export interface Collected {
  metrics: readonly AppMetric[];
  /** Workers that live and did not answer. */
  silent: readonly WorkerId[];
}

const timeoutMs = 1_000;
const aggregators = new Set(['sum', 'first', 'omit', 'average', 'min', 'max']);

export class AppMetrics {
  readonly #source: AppMetricsSource;
  /** What each living worker said last. */
  readonly #known = new Map<WorkerId, readonly AppMetric[]>();
  /** The counters of workers that are gone, summed. */
  #carried: readonly AppMetric[] = [];
  #seq = 0;
  #waiting: { seq: number; left: Set<WorkerId>; answered: Set<WorkerId>; done: () => void } | null = null;
  #current: Promise<Collected> | null = null;

  constructor(source: AppMetricsSource) {
    this.#source = source;
  }

  /** The merged metrics. Who asks while a question is under way gets the same answer. */
  collect(): Promise<Collected> {
    this.#current ??= this.#collect().finally(() => {
      this.#current = null;
    });
    return this.#current;
  }

  /** `seq` is null for the last words of a worker that drains. */
  reply(worker: WorkerId, seq: number | null, metrics: readonly AppMetric[] | null): void {
    if (metrics !== null) this.#known.set(worker, metrics);
    if (this.#waiting?.seq !== seq) return;
    this.#waiting.answered.add(worker);
    this.#settle(worker);
  }

  ended(worker: WorkerId): void {
    const last = this.#known.get(worker);
    this.#known.delete(worker);
    if (last) this.#carried = addUp([...this.#carried, ...last.filter(isCarried).map(withoutQuantiles)]);
    this.#settle(worker);
  }

  async #collect(): Promise<Collected> {
    this.#seq += 1;
    const { asked, quiet } = this.#source.ask(this.#seq);
    const left = new Set(asked);
    const answered = new Set<WorkerId>();
    if (left.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((done) => {
        this.#waiting = { seq: this.#seq, left, answered, done };
        timer = setTimeout(done, timeoutMs);
      });
      clearTimeout(timer);
      this.#waiting = null;
    }
    const sources = [...this.#known].map(([worker, metrics]) =>
      answered.has(worker) ? metrics.map(withoutQuantiles) : metrics.filter(isCarried).map(withoutQuantiles),
    );
    return { metrics: await merge([...sources, this.#carried]), silent: [...quiet, ...left] };
  }

  #settle(worker: WorkerId): void {
    const waiting = this.#waiting;
    if (waiting?.left.delete(worker) && waiting.left.size === 0) waiting.done();
  }
}

/** Sums go on without the worker that made them; a highest, a lowest, a mean are about those that live. */
function isCarried(metric: AppMetric): boolean {
  return metric.type !== 'gauge' && (metric.aggregator ?? 'sum') === 'sum';
}

/** A summary's quantiles cannot be merged: what is left of it is its sum and its count, which can. */
function withoutQuantiles(metric: AppMetric): AppMetric {
  if (metric.type !== 'summary') return metric;
  return { ...metric, values: metric.values.filter((value) => value.metricName !== undefined) };
}

async function merge(sources: readonly (readonly AppMetric[])[]): Promise<readonly AppMetric[]> {
  const usable = sources.map((metrics) => metrics.map(withAggregator)).filter((metrics) => metrics.length > 0);
  if (usable.length === 0) return [];
  const { AggregatorRegistry } = (await import('prom-client')).default;
  const merged = AggregatorRegistry.aggregate(usable);
  return (await merged.getMetricsAsJSON()) as unknown as AppMetric[];
}

/** prom-client throws at an aggregator that it does not know; such a metric is left out instead. */
function withAggregator(metric: AppMetric): AppMetric {
  const aggregator = metric.aggregator ?? 'sum';
  return { ...metric, aggregator: aggregators.has(aggregator) ? aggregator : 'omit' };
}

function addUp(metrics: readonly AppMetric[]): AppMetric[] {
  const byName = new Map<string, AppMetric>();
  for (const metric of metrics) {
    const known = byName.get(metric.name);
    if (!known) {
      byName.set(metric.name, { ...metric, values: metric.values.map((value) => ({ ...value })) });
      continue;
    }
    const byKey = new Map(known.values.map((value) => [keyOf(value), value]));
    for (const value of metric.values) {
      const same = byKey.get(keyOf(value));
      if (same) same.value += value.value;
      else known.values.push({ ...value });
    }
  }
  return [...byName.values()];
}

function keyOf({ metricName, labels }: AppMetric['values'][number]): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([metricName, sorted]);
}
