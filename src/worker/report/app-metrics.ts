// Hands the application's own prom-client metrics to the primary, when it asks. Nothing is imported for it: only a prom-client that
// the application itself has loaded is found, in the cache of modules, each copy of it. Runs in the worker.
import { fitMetrics, toWire, WORKER_ROOM } from '../../protocol/app-metric.ts';
import type { AppMetric } from '../../protocol/messages.ts';
import { post } from '../channel.ts';
import { attempt, cancel, failed, guarded, later, unawaited } from '../guard.ts';

/** What is used of prom-client's default registry. Up to version 12 it answers at once, later with a promise. */
interface Registry {
  getMetricsAsJSON(): unknown;
}

const WHAT = "collecting the application's metrics";

/** Only where somebody asks for the metrics is the primary told the last ones; nobody would read them otherwise. */
let asked = false;

/** Somebody asks for them, though this worker may be gone before the next time. */
export function expectQuestions(): void {
  asked = true;
}

export function answerMetrics({ seq }: { seq: number }): void {
  asked = true;
  const replied = collect().then((metrics) => reply(seq, metrics));
  unawaited(WHAT, replied);
}

/** For the end of a drain: nothing is counted after this, and nothing waits for it for long. */
export async function postLastMetrics(atMostMs: number): Promise<void> {
  if (!asked) return;
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<null>((done) => {
    timer = later(
      atMostMs,
      guarded(WHAT, () => done(null)),
    );
  });
  const metrics = await Promise.race([collect(), enough]);
  if (timer !== undefined) cancel(timer);
  if (metrics !== null) reply(null, metrics);
}

function reply(seq: number | null, all: AppMetric[] | null): void {
  if (all === null) {
    post({ cmd: 'NODE_TUTTI_METRICS_REPLY', seq, metrics: null });
    return;
  }
  const fit = () => {
    const { metrics, leftOut } = fitMetrics(all, WORKER_ROOM);
    return { metrics: metrics.map(onWire), leftOut };
  };
  post({ cmd: 'NODE_TUTTI_METRICS_REPLY', seq, ...attempt(WHAT, fit, { metrics: [], leftOut: 0 }) });
}

/** Typed as what it is again on the other side. */
function onWire(metric: AppMetric): AppMetric {
  return { ...metric, values: metric.values.map((each) => ({ ...each, value: toWire(each.value) as number })) };
}

/** Null without prom-client. A registry that fails says nothing, as long as it fails. Never rejects. */
async function collect(): Promise<AppMetric[] | null> {
  const registries = attempt(WHAT, findRegistries, []);
  if (registries.length === 0) return null;
  return (await Promise.all(registries.map(ask))).flat();
}

async function ask(registry: Registry): Promise<AppMetric[]> {
  try {
    const answer: unknown = await registry.getMetricsAsJSON();
    if (!Array.isArray(answer)) throw new TypeError('getMetricsAsJSON() answers with something else than a list');
    const metrics = answer.filter(isMetric);
    if (metrics.length < answer.length) failed(WHAT, new TypeError('getMetricsAsJSON() lists what is no metric'));
    return metrics;
  } catch (error) {
    failed(WHAT, error);
    return [];
  }
}

function isMetric(metric: unknown): metric is AppMetric {
  const { name, help, type, aggregator, values } = (metric ?? {}) as { [key in keyof AppMetric]: unknown };
  const isText = [name, help, type, aggregator ?? ''].every((text) => typeof text === 'string');
  return isText && Array.isArray(values) && values.every(isValue);
}

function isValue(each: unknown): boolean {
  const { value, labels, metricName } = (each ?? {}) as { [key in keyof AppMetric['values'][number]]: unknown };
  if (typeof value !== 'number' || typeof labels !== 'object' || labels === null) return false;
  if (metricName !== undefined && typeof metricName !== 'string') return false;
  return Object.values(labels).every((label) => !['object', 'function', 'symbol', 'bigint'].includes(typeof label));
}

function findRegistries(): Registry[] {
  const found: Registry[] = [];
  for (const [file, module] of Object.entries(require.cache)) {
    if (!/[\\/]prom-client[\\/]index\.js$/.test(file)) continue;
    const register: unknown = (module?.exports as { register?: unknown } | undefined)?.register;
    if (isRegistry(register)) found.push(register);
  }
  return found;
}

function isRegistry(value: unknown): value is Registry {
  return typeof (value as Partial<Registry> | undefined)?.getMetricsAsJSON === 'function';
}
