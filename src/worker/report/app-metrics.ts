// Gives the application's own prom-client metrics to the primary when it asks. Nothing is imported for it: every copy of prom-client that
// the application has loaded is found in the module cache. Runs in the worker; the primary asks in src/host/look/metrics-question.ts.
import { fitMetrics, toWire, WORKER_ROOM } from '../../protocol/app-metric.ts';
import type { AppMetric } from '../../protocol/messages.ts';
import { post } from '../channel.ts';
import { attempt, cancel, failed, guarded, later, unawaited } from '../guard.ts';

/** The part of prom-client's default registry that is used. Up to version 12 it answers at once, later with a promise. */
interface Registry {
  getMetricsAsJSON(): unknown;
}

const WHAT = "collecting the application's metrics";

/** Somebody asks for the metrics, so the last ones are worth sending. */
let asked = false;

/** Somebody asks for the metrics, even if this worker ends before it is asked itself. */
export function expectQuestions(): void {
  asked = true;
}

export function answerMetrics({ seq }: { seq: number }): void {
  asked = true;
  const replied = collect().then((metrics) => reply(seq, metrics));
  unawaited(WHAT, replied);
}

/** For the end of a drain, after which nothing is counted. Resolves after `atMostMs` at the latest. */
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

/** Typed as what the primary turns it into again. */
function onWire(metric: AppMetric): AppMetric {
  return { ...metric, values: metric.values.map((each) => ({ ...each, value: toWire(each.value) as number })) };
}

/** Null without prom-client. A registry that fails contributes nothing. Never rejects. */
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
