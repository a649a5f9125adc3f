// Medians, ratios to bare node, the page and its pictures.

import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generator } from './load.ts';
import type { Sample, Scale } from './measures.ts';
import { peersFolder, peerVersion } from './peers.ts';
import { median } from './statistics.ts';
import type { OwnResult } from './tutti-only.ts';

export interface Results {
  /** By contestant, one entry a session and round. */
  samples: Map<string, Sample[]>;
  missing: Map<string, string>;
  own: OwnResult[];
}

interface Column {
  key: string;
  title: string;
  /** Ratio to bare node, or the figure itself. */
  ratio: boolean;
  must: string;
  digits: number;
}

const columns: Column[] = [
  { key: 'connectionCpu', title: 'CPU per new connection', ratio: true, must: '≤ 1.30', digits: 2 },
  { key: 'requestCpu', title: 'CPU per keep-alive request', ratio: true, must: '≤ 1.05', digits: 2 },
  {
    key: 'burst64',
    title: '64 connections in a burst over 4 workers, max ÷ mean',
    ratio: false,
    must: '≤ 1.15',
    digits: 2,
  },
  { key: 'oneByOne64', title: '64 connections one by one, max ÷ mean', ratio: false, must: '≤ 1.10', digits: 2 },
  {
    key: 'burst400',
    title: '400 connections in a burst over 8 workers, max ÷ mean',
    ratio: false,
    must: '≤ 1.15',
    digits: 2,
  },
  {
    key: 'p99Ms',
    title: 'p99 of a CPU-bound handler, 40 clients over 4 workers, ms',
    ratio: false,
    must: '≤ round-robin',
    digits: 1,
  },
  {
    key: 'delayed',
    title: 'one of 4 workers blocked: of 200 connections delayed',
    ratio: false,
    must: '≤ 1',
    digits: 0,
  },
  { key: 'readyMs', title: '2 workers ready, ms', ratio: false, must: '≤ 1.2× node:cluster', digits: 0 },
  { key: 'paced2', title: '1,000 connections/s on 2 idle workers, µs', ratio: false, must: '', digits: 0 },
  { key: 'paced8', title: 'on 8, µs', ratio: false, must: '≤ 1.3× of 2 workers', digits: 0 },
  { key: 'paced32', title: 'on 32, µs', ratio: false, must: '≤ 1.5× of 2 workers', digits: 0 },
  {
    key: 'crashServed',
    title: 'a crash a second, 2 workers, 70 clients: answers a second (more is better)',
    ratio: false,
    must: '≥ round-robin',
    digits: 0,
  },
  { key: 'crashReset', title: 'short requests lost by it, on idle connections', ratio: false, must: '0', digits: 0 },
  { key: 'crashLost', title: 'requests lost by it in the midst of 200 ms', ratio: false, must: '', digits: 0 },
];

export function report(results: Results, scale: Scale, options: { write: boolean }): void {
  const page = render(results, scale);
  console.log(page);
  if (!options.write) return;
  const docs = fileURLToPath(new URL('../docs/', import.meta.url));
  mkdirSync(join(docs, 'images'), { recursive: true });
  writeFileSync(join(docs, 'benchmarks.md'), page);
  for (const [file, key, title] of [
    ['benchmark-connection.svg', 'connectionCpu', 'CPU per new connection, bare node = 1'],
    ['benchmark-request.svg', 'requestCpu', 'CPU per keep-alive request, bare node = 1'],
    ['benchmark-spread.svg', 'burst64', '64 connections over 4 workers: the fullest worker ÷ the mean'],
  ] as const)
    writeFileSync(join(docs, 'images', file), chart(results, key, title));
}

/** The median over all rounds, as a ratio to bare node where the column says so. */
function figure(results: Results, name: string, column: Column): number | null {
  const own = values(results, name, column.key);
  if (own.length === 0) return null;
  if (!column.ratio) return median(own);
  const base = values(results, 'node server.js', column.key);
  return base.length === 0 ? null : median(own) / median(base);
}

function values(results: Results, name: string, key: string): number[] {
  return (results.samples.get(name) ?? []).map((sample) => sample[key]).filter((value) => typeof value === 'number');
}

function render(results: Results, { rounds, seconds, quick }: Scale): string {
  const used = columns.filter((column) => [...results.samples.values()].flat().some((sample) => column.key in sample));
  const names = [...results.samples.keys()];
  const cell = (name: string, column: Column): string => {
    const value = figure(results, name, column);
    return value === null ? '' : `${value.toFixed(column.digits)}${column.ratio ? '×' : ''}`;
  };
  const versions = ['pm2', 'throng', 'wattpm'].map((name) => `${name} ${peerVersion(name)}`).join(', ');
  return [
    '# Benchmarks',
    '',
    '<!-- Written by `npm run bench`. -->',
    '',
    'Everyone runs the same unmodified server, in turns, in one run; the figures are medians, CPU is that of the whole process tree.',
    '× is the ratio to one bare `node server.js` of the same run. Lower is better where nothing else is said.',
    '',
    `Node ${process.versions.node}, ${os.cpus()[0]?.model.trim()}, ${os.availableParallelism()} cores, Linux ${os.release()}; ` +
      `${versions}; load by ${generator}; ${rounds} rounds of ${seconds} s${quick ? ' (a quick run)' : ''}.`,
    '',
    `| | ${names.join(' | ')} | tutti must |`,
    `|---|${names.map(() => '--:|').join('')}---|`,
    ...used.map(
      (column) => `| ${column.title} | ${names.map((name) => cell(name, column)).join(' | ')} | ${column.must} |`,
    ),
    '',
    ...(results.own.length > 0
      ? [
          '## tutti alone',
          '',
          '| | measured | must |',
          '|---|--:|---|',
          ...results.own.map((row) => `| ${row.what} | ${row.measured} | ${row.must} |`),
          '',
        ]
      : []),
    ...[...results.missing].map(
      ([name, why]) => `${name} ${results.samples.has(name) ? 'failed at times' : 'is missing'}: ${why}.`,
    ),
    '',
  ].join('\n');
}

function chart(results: Results, key: string, title: string): string {
  const echarts: typeof import('./echarts.d.ts') = createRequire(join(peersFolder, 'package.json'))('echarts');
  const column = columns.find((candidate) => candidate.key === key) as Column;
  const bars = [...results.samples.keys()]
    .map((name) => ({ name, value: figure(results, name, column) }))
    .filter((bar): bar is { name: string; value: number } => bar.value !== null)
    .sort((a, b) => b.value - a.value);
  const picture = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 720, height: 60 + bars.length * 30 });
  picture.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 8, top: 6, textStyle: { fontSize: 14, fontWeight: 600, color: '#1f2430' } },
    grid: { left: 190, right: 60, top: 40, bottom: 12 },
    xAxis: { type: 'value', min: 0, splitLine: { lineStyle: { color: '#eceef2' } }, axisLabel: { show: false } },
    yAxis: {
      type: 'category',
      data: bars.map((bar) => bar.name),
      axisTick: { show: false },
      axisLine: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: 16,
        data: bars.map((bar) => ({
          value: Number(bar.value.toFixed(2)),
          itemStyle: { color: bar.name.startsWith('tutti') ? '#0f766e' : '#b6bcc8', borderRadius: [0, 3, 3, 0] },
        })),
        label: { show: true, position: 'right', color: '#1f2430' },
      },
    ],
  });
  return picture.renderToSVGString();
}
