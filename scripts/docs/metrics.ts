// docs/metrics.md, written from the table of families. Pure; used by scripts/generate-docs.ts and by the test that finds it stale.

import { type Family, families, requestBoundsSeconds } from '../../src/metrics/families.ts';

const intro = `# Metrics

\`GET /metrics\` answers in Prometheus text, or in OpenMetrics if the \`Accept\` header asks for it. It is served on the control
socket always, and on TCP with \`--admin\`.

\`\`\`yaml
scrape_configs:
  - job_name: tutti
    static_configs: [{ targets: ["127.0.0.1:9400"] }]   # tutti run server.js --admin 9400
\`\`\`

- **Slots, not pids.** The label \`slot\` is the stable place of a worker, \`0\` … \`n − 1\`; \`spare\` is a booted worker that waits for a
  place. A reload or a crash starts no new series.
- **Counters never go back.** A worker's own counts begin at 0 with each process; the supervisor adds their growth to the slot, through
  crashes, reloads and scaling.
- **As of now.** Counts of requests stand in shared memory, at most 10 ms old: this page, \`tutti status\`, \`tutti top\` and the live page read them when they are
  asked, and show the same. Everything else of a worker is told once a second, as of that second, and so are requests where no file in memory can be made (\`/dev/shm\`, else the
  folder for temporary files). Rates are divided by the time between a worker's own reports, on a clock that nobody can set.
- **A worker that ends** by itself or by an uncaught exception tells its last counts first. One that is killed (SIGKILL, no memory, hung) keeps all requests that it has
  answered but for those of the last 10 ms in which its loop turned; of its other counters, what came after its last heartbeat (1 s) is lost.
  Requests that die with their worker are answers of nobody, and not counted.
- **A worker whose loop stands still** tells nothing. After 2.5 s its event loop counts as busy, its delay is how long it has been silent, and its CPU (gauge; Linux) is what the
  kernel says. Requests in flight, connections and heap stay as it told them last.
- **Gauges of a slot** that is being replaced are the sum of the old and the new worker (memory, connections, requests) or the higher of
  the two (event loop).
- **The application's own metrics.** If it uses \`prom-client\`, its default registry is merged over all workers by each metric's
  \`aggregator\` (\`sum\`, \`min\`, \`max\`, \`average\`, \`first\`, \`omit\`) and printed on the same page; counters and histograms of workers that
  are gone stay counted. A worker that does not answer in time delays the page by at most one second and has \`tutti_worker_up 0\`.
- **Limits.** A worker sends at most 10,000 values (lines of the page; a histogram has one per bucket) and 2 MB of them, small metrics first. 10,000 values of workers that
  are gone are kept, and 30,000 are on the page. Labels that are new in each process, such as a pid or a session, are what meets these limits: what is left out is counted
  in \`tutti_app_metrics_left_out\` and told once. A metric whose name or labels Prometheus could not read is left out too.

A Grafana dashboard is in [grafana-dashboard.json](grafana-dashboard.json), alert rules for Prometheus are in
[prometheus-alerts.yml](prometheus-alerts.yml).
`;

export function metricsDocument(): string {
  const sections = new Map<string, string[]>();
  for (const [name, family] of Object.entries(families) as [string, Family][]) {
    const rows = sections.get(family.section) ?? [];
    sections.set(family.section, rows);
    const labels = family.labels.map((label) => `\`${label}\``).join(', ');
    rows.push(`| \`${name}\` | ${family.type} | ${labels} | ${family.help} |`);
  }
  const tables = [...sections].map(
    ([section, rows]) => `## ${section}\n\n| Name | Type | Labels | Meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`,
  );
  const buckets = `Buckets of \`tutti_http_request_duration_seconds\`: ${requestBoundsSeconds.join(', ')} seconds.\n`;
  const notice = '<!-- Written by `npm run docs` from src/metrics/families.ts. Do not edit. -->\n';
  return [notice + intro, ...tables, buckets].join('\n');
}
