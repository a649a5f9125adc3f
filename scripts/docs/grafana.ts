// docs/grafana-dashboard.json, written from the panels below: what an operator wants to see first stands first. Pure; used by
// scripts/generate-docs.ts and by the tests, which have Prometheus parse every expression.

interface Query {
  expr: string;
  legend: string;
}

interface Panel {
  title: string;
  type: 'timeseries' | 'stat';
  unit: 'reqps' | 'percentunit' | 's' | 'bytes' | 'short' | 'none' | 'ops';
  queries: readonly Query[];
  /** Of the 24 columns of Grafana's grid. */
  width: number;
  stacked?: boolean;
}

/** Every expression is limited to what is chosen at the top of the dashboard. */
const of = 'instance=~"$instance"';
const rate = '$__rate_interval';

const rows: readonly { title: string; panels: readonly Panel[] }[] = [
  {
    title: 'Now',
    panels: [
      stat('Workers ready', 'none', `sum(tutti_worker_up{${of}})`),
      stat('Workers wanted', 'none', `sum(tutti_workers_wanted{${of}})`),
      stat('Requests', 'reqps', `sum(rate(tutti_http_requests_total{${of}}[${rate}]))`),
      stat(
        'Errors (5xx)',
        'percentunit',
        `sum(rate(tutti_http_requests_total{${of},status="5xx"}[${rate}])) / sum(rate(tutti_http_requests_total{${of}}[${rate}]))`,
      ),
      stat('Latency p99', 's', quantile(0.99)),
      stat('Generation', 'none', `max(tutti_generation{${of}})`),
    ],
  },
  {
    title: 'Traffic',
    panels: [
      series('Requests by status', 'reqps', 12, true, [
        { expr: `sum by (status) (rate(tutti_http_requests_total{${of}}[${rate}]))`, legend: '{{status}}' },
      ]),
      series('Latency', 's', 12, false, [
        { expr: quantile(0.5), legend: 'p50' },
        { expr: quantile(0.95), legend: 'p95' },
        { expr: quantile(0.99), legend: 'p99' },
      ]),
      series('Requests by slot', 'reqps', 8, true, [
        { expr: `sum by (slot) (rate(tutti_http_requests_total{${of}}[${rate}]))`, legend: 'slot {{slot}}' },
      ]),
      series('Connections by slot', 'short', 8, true, [
        { expr: `sum by (slot) (tutti_connections{${of}})`, legend: 'slot {{slot}}' },
      ]),
      series('Transfers', 'ops', 8, false, [
        { expr: `sum by (result) (rate(tutti_transfers_total{${of}}[${rate}]))`, legend: '{{result}}' },
      ]),
    ],
  },
  {
    title: 'Workers',
    panels: [
      series('CPU by slot', 'percentunit', 8, true, [
        { expr: `sum by (slot) (rate(tutti_worker_cpu_seconds_total{${of}}[${rate}]))`, legend: 'slot {{slot}}' },
      ]),
      series('Memory by slot', 'bytes', 8, true, [
        {
          expr: `sum by (slot) (tutti_worker_proportional_memory_bytes{${of}} or tutti_worker_resident_memory_bytes{${of}})`,
          legend: 'slot {{slot}}',
        },
      ]),
      series('Heap used by slot', 'bytes', 8, false, [
        { expr: `sum by (slot) (tutti_worker_heap_used_bytes{${of}})`, legend: 'slot {{slot}}' },
      ]),
      series('Event loop utilization', 'percentunit', 8, false, [
        { expr: `max by (slot) (tutti_worker_event_loop_utilization_ratio{${of}})`, legend: 'slot {{slot}}' },
      ]),
      series('Event loop delay p99', 's', 8, false, [
        { expr: `max by (slot) (tutti_worker_event_loop_delay_p99_seconds{${of}})`, legend: 'slot {{slot}}' },
      ]),
      series('Time in garbage collection', 'percentunit', 8, false, [
        {
          expr: `sum by (slot) (rate(tutti_worker_gc_duration_seconds_total{${of}}[${rate}]))`,
          legend: 'slot {{slot}}',
        },
      ]),
    ],
  },
  {
    title: 'Supervision',
    panels: [
      series('Workers by state', 'none', 8, true, [
        { expr: `sum by (state) (tutti_workers{${of}}) > 0`, legend: '{{state}}' },
      ]),
      series('Restarts by reason', 'short', 8, true, [
        { expr: `sum by (reason) (increase(tutti_worker_restarts_total{${of}}[${rate}])) > 0`, legend: '{{reason}}' },
      ]),
      series('Reloads by result', 'short', 8, true, [
        {
          expr: `sum by (kind, result) (increase(tutti_reloads_total{${of}}[${rate}])) > 0`,
          legend: '{{kind}} {{result}}',
        },
      ]),
      series('Boot time, mean', 's', 8, false, [{ expr: mean('tutti_worker_boot_seconds'), legend: 'boot' }]),
      series('Drain time, mean', 's', 8, false, [{ expr: mean('tutti_worker_drain_seconds'), legend: 'drain' }]),
      series('The supervisor itself', 'percentunit', 8, false, [
        { expr: `sum(rate(tutti_supervisor_cpu_seconds_total{${of}}[${rate}]))`, legend: 'CPU' },
      ]),
    ],
  },
];

/** Every expression of the dashboard. */
export function grafanaExpressions(): string[] {
  return rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)));
}

/** The dashboard as Grafana imports it (Grafana 9 or later). */
export function grafanaDashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ type: 'row', title: row.title, collapsed: false, gridPos: { h: 1, w: 24, x: 0, y }, panels: [] });
    y += 1;
    let x = 0;
    for (const panel of row.panels) {
      const height = panel.type === 'stat' ? 4 : 8;
      if (x + panel.width > 24) {
        x = 0;
        y += height;
      }
      panels.push({ ...pictureOf(panel), gridPos: { h: height, w: panel.width, x, y } });
      x += panel.width;
    }
    y += row.panels[0]?.type === 'stat' ? 4 : 8;
  }
  const dashboard = {
    title: 'tutti',
    uid: 'tutti',
    tags: ['tutti', 'nodejs'],
    schemaVersion: 37,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        {
          name: 'instance',
          label: 'Instance',
          type: 'query',
          datasource: { type: 'prometheus', uid: '$datasource' },
          query: 'label_values(tutti_info, instance)',
          refresh: 2,
          includeAll: true,
          multi: true,
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    annotations: {
      list: [
        {
          name: 'Reloads',
          enable: true,
          iconColor: 'purple',
          datasource: { type: 'prometheus', uid: '$datasource' },
          expr: `changes(tutti_generation{${of}}[1m]) > 0`,
          titleFormat: 'new generation',
        },
      ],
    },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function pictureOf({ title, type, unit, queries, stacked }: Panel): object {
  return {
    type,
    title,
    datasource: { type: 'prometheus', uid: '$datasource' },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      expr,
      legendFormat: legend,
      datasource: { type: 'prometheus', uid: '$datasource' },
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(type === 'timeseries' && {
          custom: {
            lineWidth: 1,
            fillOpacity: stacked ? 25 : 8,
            showPoints: 'never',
            stacking: { mode: stacked ? 'normal' : 'none' },
          },
        }),
      },
      overrides: [],
    },
    options:
      type === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'] }, graphMode: 'area', colorMode: 'none' }
        : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  };
}

function stat(title: string, unit: Panel['unit'], expr: string): Panel {
  return { title, type: 'stat', unit, width: 4, queries: [{ expr, legend: title }] };
}

function series(title: string, unit: Panel['unit'], width: number, stacked: boolean, queries: readonly Query[]): Panel {
  return { title, type: 'timeseries', unit, width, stacked, queries };
}

function quantile(q: number): string {
  return `histogram_quantile(${q}, sum by (le) (rate(tutti_http_request_duration_seconds_bucket{${of}}[${rate}])))`;
}

function mean(name: string): string {
  return `sum(rate(${name}_sum{${of}}[${rate}])) / sum(rate(${name}_count{${of}}[${rate}]))`;
}
