// Counters and histograms that only grow, whatever happens to the processes behind them. Pure data; runs in the primary.

export type Labels = Readonly<Record<string, string>>;

/** A family of counters: one value per set of labels. */
export class Counter {
  readonly #values = new Map<string, { labels: Labels; value: number }>();

  /** Adds to the series; 0 makes the series exist. Negative amounts are refused: a counter never goes back. */
  add(labels: Labels, amount = 1): void {
    const key = JSON.stringify(labels);
    const series = this.#values.get(key);
    const grown = Number.isFinite(amount) && amount > 0 ? amount : 0;
    if (series) series.value += grown;
    else this.#values.set(key, { labels, value: grown });
  }

  *series(): Iterable<{ labels: Labels; value: number }> {
    yield* this.#values.values();
  }

  /** Adds what another life of the same app had counted. */
  restore(saved: readonly { labels: Labels; value: number }[]): void {
    for (const { labels, value } of saved) this.add(labels, value);
  }

  total(): number {
    let sum = 0;
    for (const { value } of this.#values.values()) sum += value;
    return sum;
  }
}

/** One histogram: `counts[i]` holds what is at most `bounds[i]`, the last entry what is above them all. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const at = this.bounds.findIndex((bound) => value <= bound);
    const index = at === -1 ? this.bounds.length : at;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += value;
  }

  /** Adds counts that were made elsewhere with bounds of its own: each goes where its upper bound belongs. */
  merge(bounds: readonly number[], counts: readonly number[], sum: number): void {
    counts.forEach((count, index) => {
      if (count === 0) return;
      const upper = bounds[index] ?? Number.POSITIVE_INFINITY;
      const at = this.bounds.findIndex((bound) => upper <= bound);
      const into = at === -1 ? this.bounds.length : at;
      this.counts[into] = (this.counts[into] ?? 0) + count;
    });
    this.sum += sum;
  }

  get count(): number {
    return this.counts.reduce((all, one) => all + one, 0);
  }
}

/**
 * The value below which the share `q` of the counted lies, interpolated inside its bucket; null when nothing was counted.
 * What lies above the last bound is told as that bound: the histogram does not know more.
 */
export function quantile(bounds: readonly number[], counts: readonly number[], q: number): number | null {
  const total = counts.reduce((all, one) => all + one, 0);
  if (total === 0) return null;
  const rank = q * total;
  let before = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && before + count >= rank) {
      const upper = bounds[index];
      if (upper === undefined) return bounds.at(-1) ?? null;
      const lower = index === 0 ? 0 : (bounds[index - 1] ?? 0);
      return lower + (upper - lower) * ((rank - before) / count);
    }
    before += count;
  }
  return bounds.at(-1) ?? null;
}

/** What a supervisor has counted, as its successor is told. */
export interface SavedCounts {
  counters: Record<string, readonly { labels: Labels; value: number }[]>;
  histograms: Record<string, SavedHistogram>;
  latencies: Record<string, SavedHistogram>;
}

interface SavedHistogram {
  counts: readonly number[];
  sum: number;
}

/** What came to it after `before`. */
export function grownSince(before: SavedCounts, after: SavedCounts): SavedCounts {
  const counters: SavedCounts['counters'] = {};
  for (const [name, series] of Object.entries(after.counters)) {
    const known = new Map(before.counters[name]?.map(({ labels, value }) => [JSON.stringify(labels), value]));
    counters[name] = series.map(({ labels, value }) => ({
      labels,
      value: value - (known.get(JSON.stringify(labels)) ?? 0),
    }));
  }
  const grown = (earlier: Record<string, SavedHistogram>, later: Record<string, SavedHistogram>) =>
    Object.fromEntries(
      Object.entries(later).map(([name, { counts, sum }]) => {
        const known = earlier[name] ?? { counts: [], sum: 0 };
        return [name, { counts: counts.map((n, at) => n - (known.counts[at] ?? 0)), sum: sum - known.sum }];
      }),
    );
  return {
    counters,
    histograms: grown(before.histograms, after.histograms),
    latencies: grown(before.latencies, after.latencies),
  };
}
