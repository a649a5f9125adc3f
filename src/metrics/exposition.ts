// Writes samples as Prometheus or OpenMetrics text, in steps. Runs in the primary.

import type { AppMetric } from '../protocol/messages.ts';
import { type Family, type FamilyName, families } from './families.ts';
import { Pace } from './pace.ts';
import type { Sample } from './samples.ts';

export type MetricsFormat = 'prometheus' | 'openmetrics';

export interface Exposition {
  contentType: string;
  text: string;
}

const contentTypes: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

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
  const own = Object.entries(families).map(([name, { type, help }]: [string, Family]) => ({
    ...{ name, type, help, values: samples[name as FamilyName] },
  }));
  const pace = new Pace();
  const lines: string[] = [];
  for (const metric of [...own, ...app.filter(({ name }) => !Object.hasOwn(families, name))]) {
    for (const line of linesOf(metric, format)) {
      lines.push(line);
      const rest = lines.length % 100 === 0 ? pace.rest() : null;
      if (rest !== null) await rest;
    }
  }
  if (format === 'openmetrics') lines.push('# EOF');
  return { contentType: contentTypes[format], text: `${lines.join('\n')}\n` };
}

interface Written {
  name: string;
  type: string;
  help: string;
  values: readonly Sample[] | AppMetric['values'];
}

function* linesOf({ name, type, help, values }: Written, format: MetricsFormat): Generator<string> {
  const isOpen = format === 'openmetrics';
  // There a counter is named without its ending, which each of its samples has.
  const isOpenCounter = isOpen && type === 'counter';
  const family = isOpenCounter ? name.replace(/_total$/, '') : name;
  yield `# HELP ${family} ${escaped(help, isOpen)}`;
  yield `# TYPE ${family} ${isOpen && type === 'untyped' ? 'unknown' : type}`;
  for (const { metricName, labels, value } of values) {
    const series = isOpenCounter ? `${family}_total` : (metricName ?? name);
    const texts = Object.entries(labels).map(([label, text]) => `${label}="${escaped(String(text), true)}"`);
    yield `${series}${texts.length === 0 ? '' : `{${texts.join(',')}}`} ${numberOf(value)}`;
  }
}

/** In help texts of the older format a quotation mark is a mark as any other. */
function escaped(text: string, quotes: boolean): string {
  const safe = text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return quotes ? safe.replace(/"/g, '\\"') : safe;
}

function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
