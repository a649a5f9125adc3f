// Writes samples as Prometheus or OpenMetrics text. prom-client does the writing and the merging of the application's own metrics; it is
// loaded here, on the first scrape, and nowhere else: who does not scrape does not pay for it. Runs in the primary.

import type { AppMetric } from '../protocol/messages.ts';
import { type Family, type FamilyName, families } from './families.ts';
import type { Sample } from './samples.ts';

export type MetricsFormat = 'prometheus' | 'openmetrics';

export interface Exposition {
  contentType: string;
  text: string;
}

/** The format a scraper asks for in its Accept header; Prometheus text unless OpenMetrics is named. */
export function negotiateFormat(accept: string | undefined): MetricsFormat {
  return accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus';
}

/** `app`: the application's own metrics, already merged. A name that tutti itself uses is left out of them. */
export async function writeExposition(
  samples: Record<FamilyName, readonly Sample[]>,
  app: readonly AppMetric[],
  format: MetricsFormat,
): Promise<Exposition> {
  const { Registry } = (await import('prom-client')).default;
  const registry = new Registry();
  // The types of prom-client know one content type per registry class; its code takes both.
  const contentType = format === 'openmetrics' ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
  registry.setContentType(contentType as typeof Registry.PROMETHEUS_CONTENT_TYPE);

  const register = (name: string, type: string, help: string, values: readonly Sample[] | AppMetric['values']) => {
    // A registry asks of a metric nothing but its name and get(), and renames the counters it finds for OpenMetrics, so the two
    // have to be one object; the classes that prom-client's types name are for counting, which happened elsewhere.
    const metric = { name, type, help, values, get: async () => metric as unknown };
    registry.registerMetric(metric as unknown as Parameters<typeof registry.registerMetric>[0]);
  };

  for (const [name, family] of Object.entries(families) as [FamilyName, Family][]) {
    register(name, family.type, family.help, samples[name]);
  }
  for (const metric of app) {
    if (!(metric.name in families)) register(metric.name, metric.type, metric.help, metric.values);
  }
  return { contentType, text: await registry.metrics() };
}
