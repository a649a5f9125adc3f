// The application's own metrics over all workers: asks every worker for what its prom-client has counted, and merges the answers by
// each metric's aggregator. What a worker had counted stays counted when it is gone. A worker that does not answer delays the page by at
// most `timeoutMs` and takes its last known counters with it, not its gauges. All of it is bounded, whatever the application counts. Runs in
// the primary.

import { fitMetrics, fromWire, type Room, WORKER_ROOM } from '../protocol/app-metric.ts';
import type { AppMetric } from '../protocol/messages.ts';
import type { WorkerId } from '../supervisor/vocabulary/actions.ts';
import { MergedMetrics, type Told } from './merged-metrics.ts';
import { Pace } from './pace.ts';

export interface AppMetricsSource {
  /** Asks every worker that gives signs of life, and says which ones it asked and which ones are too quiet to be asked. */
  ask(seq: number): { asked: readonly WorkerId[]; quiet: readonly WorkerId[] };
}

export interface Collected {
  metrics: readonly AppMetric[];
  /** Workers that live and did not answer. */
  silent: readonly WorkerId[];
  /** Values that are not among the metrics, because of the limits. */
  leftOut: number;
}

const timeoutMs = 1_000;
/** Of what all living workers said last. */
const KNOWN_VALUES = 100_000;
/** What the dead leave behind. */
const CARRIED_ROOM: Room = { values: 10_000, bytes: 2 * 1024 * 1024 };
/** On the page. */
const PAGE_ROOM: Room = { values: 30_000, bytes: 6 * 1024 * 1024 };

interface Known {
  metrics: readonly AppMetric[];
  values: number;
  leftOut: number;
}

export class AppMetrics {
  readonly #source: AppMetricsSource;
  /** What each living worker said last. */
  readonly #known = new Map<WorkerId, Known>();
  /** The counters of workers that are gone, summed. */
  readonly #carried = new MergedMetrics(CARRIED_ROOM);
  /** Done when what the last dead worker left is among them. */
  #folded: Promise<void> = Promise.resolve();
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

  /** `seq` is null for the last words of a worker that drains; `leftOut` is what it did not send. */
  reply(worker: WorkerId, seq: number | null, metrics: readonly AppMetric[] | null, leftOut = 0): void {
    if (metrics !== null) this.#know(worker, metrics, leftOut);
    if (this.#waiting?.seq !== seq) return;
    this.#waiting.answered.add(worker);
    this.#settle(worker);
  }

  ended(worker: WorkerId): void {
    const last = this.#known.get(worker);
    this.#known.delete(worker);
    if (last) this.#folded = this.#fold(this.#folded, last.metrics);
    this.#settle(worker);
  }

  async #fold(before: Promise<void>, metrics: readonly AppMetric[]): Promise<void> {
    await before;
    await inSteps(this.#carried, usable(metrics, true));
  }

  #know(worker: WorkerId, said: readonly AppMetric[], leftOut: number): void {
    this.#known.delete(worker);
    let room = KNOWN_VALUES;
    for (const other of this.#known.values()) room -= other.values;
    const most = Math.min(WORKER_ROOM.values, Math.max(0, room));
    const listed = said.filter((metric) => Array.isArray(metric?.values));
    // As a rule the worker has seen to it.
    const fitted =
      valuesOf(listed) <= most
        ? { metrics: listed, leftOut: 0 }
        : fitMetrics(
            [...usable(listed, false)].map((metric) => ({ ...metric, values: [...metric.values] })),
            { ...WORKER_ROOM, values: most },
          );
    const { metrics } = fitted;
    this.#known.set(worker, { metrics, values: valuesOf(metrics), leftOut: leftOut + fitted.leftOut });
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
    // Of those that have ended by now, the counts are among what is carried.
    for (let done: Promise<void> | null = null; done !== this.#folded; ) {
      done = this.#folded;
      await done;
    }
    const known = [...this.#known];
    const carried = this.#carried.metrics();
    const page = new MergedMetrics(PAGE_ROOM);
    for (const [worker, { metrics }] of known) await inSteps(page, usable(metrics, !answered.has(worker)));
    await inSteps(page, carried);
    const leftOut = known.reduce((all, [, one]) => all + one.leftOut, this.#carried.leftOut + page.leftOut);
    return { metrics: page.metrics(), silent: [...quiet, ...left], leftOut };
  }

  #settle(worker: WorkerId): void {
    const waiting = this.#waiting;
    if (waiting?.left.delete(worker) && waiting.left.size === 0) waiting.done();
  }
}

async function inSteps(merged: MergedMetrics, metrics: Iterable<Told>): Promise<void> {
  const pace = new Pace();
  for (const _ of merged.adding(metrics)) {
    const rest = pace.rest();
    if (rest !== null) await rest;
  }
}

function valuesOf(metrics: readonly AppMetric[]): number {
  return metrics.reduce((all, metric) => all + metric.values.length, 0);
}

/** What can be merged of what a worker said, looked at as it is merged. `carried`: what is left of a worker that does not live or answer. */
function* usable(said: readonly AppMetric[], carried: boolean): Generator<Told> {
  for (const one of said) {
    const metric = usableOf(one);
    if (metric !== null && (!carried || isCarried(metric))) yield metric;
  }
}

/** Sums go on without the worker that made them; a highest, a lowest, a mean are about those that live. */
function isCarried({ type, aggregator = 'sum' }: Told): boolean {
  return type !== 'gauge' && aggregator === 'sum';
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const types = ['counter', 'gauge', 'histogram', 'summary'];

/** Null for what could not be read: it would make the whole page unreadable. */
function usableOf(said: AppMetric): Told | null {
  const { name, help, type, aggregator, values } = said as { [key in keyof AppMetric]: unknown };
  if (typeof name !== 'string' || !metricName.test(name) || !Array.isArray(values)) return null;
  const known = types.includes(type as string) ? (type as string) : 'untyped';
  return {
    name,
    help: typeof help === 'string' ? help : '',
    type: known,
    ...(typeof aggregator === 'string' && { aggregator }),
    values: usableValues(values, name, known),
  };
}

function* usableValues(values: readonly unknown[], name: string, type: string): Generator<AppMetric['values'][number]> {
  for (const each of values) {
    const value = usableValue(each, name);
    // A summary's quantiles cannot be merged: what is left of it is its sum and its count, which can.
    if (value !== null && (type !== 'summary' || value.metricName !== undefined)) yield value;
  }
}

function usableValue(each: unknown, name: string): AppMetric['values'][number] | null {
  const said = (each ?? {}) as { [key in keyof AppMetric['values'][number]]: unknown };
  const value = fromWire(said.value);
  if (value === null || typeof (said.labels ?? {}) !== 'object') return null;
  const part = said.metricName;
  if (part !== undefined && !(typeof part === 'string' && part.startsWith(name) && metricName.test(part))) return null;
  const labels: Record<string, string | number> = {};
  for (const [label, text] of Object.entries(said.labels ?? {})) {
    if (!labelName.test(label)) return null;
    labels[label] = typeof text === 'number' ? text : String(text);
  }
  return { value, labels, ...(part !== undefined && { metricName: part }) };
}
