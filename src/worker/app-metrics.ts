// Hands the application's own prom-client metrics to the primary, when it asks. Nothing is imported for it: only a prom-client that
// the application itself has loaded is found, in the cache of modules, each copy of it. Runs in the worker.
import type { AppMetric } from '../protocol/messages.ts';
import { onMessage, post } from './channel.ts';

/** What is used of prom-client's default registry. */
interface Registry {
  getMetricsAsJSON(): Promise<AppMetric[]>;
}

/** Only an application that the metrics were asked of once tells its last ones; nobody would read them otherwise. */
let asked = false;

export function answerMetrics(): void {
  onMessage('NODE_TUTTI_METRICS', ({ seq }) => {
    asked = true;
    void collect().then((metrics) => post({ cmd: 'NODE_TUTTI_METRICS_REPLY', seq, metrics }));
  });
}

/** For the end of a drain: nothing is counted after this, and nothing waits for it for long. */
export async function postLastMetrics(atMostMs: number): Promise<void> {
  if (!asked) return;
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<null>((done) => {
    timer = setTimeout(done, atMostMs, null);
  });
  const metrics = await Promise.race([collect(), enough]);
  clearTimeout(timer);
  if (metrics !== null) post({ cmd: 'NODE_TUTTI_METRICS_REPLY', seq: null, metrics });
}

/** Null without prom-client. A registry that fails says nothing, as long as it fails. */
async function collect(): Promise<AppMetric[] | null> {
  const registries = findRegistries();
  if (registries.length === 0) return null;
  const all = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON().catch(() => [])));
  return all.flat();
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
