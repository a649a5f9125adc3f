// One chart over time, drawn by uPlot on a canvas: it follows the size of its place and the theme, and marks where a new generation
// took over.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatClock } from '../format.ts';

export interface Line {
  name: string;
  /** A custom property of the style sheet, e.g. `--accent`. */
  color: string;
  values: (number | null)[];
  filled?: boolean;
}

interface Props {
  title: string;
  /** Seconds since the epoch. */
  times: number[];
  lines: Line[];
  /** Times at which a new generation took over. */
  marks: number[];
  format: (value: number | null) => string;
  /** Charts with the same key move their cursors together. */
  syncKey: string;
  fromSeconds: number;
  toSeconds: number;
}

const height = 200;

export function Chart(props: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(element, latest), dataOf(latest.current), element);
    };
    draw();
    const size = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    size.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    window.addEventListener('tutti-theme', draw);
    return () => {
      size.disconnect();
      dark.removeEventListener('change', draw);
      window.removeEventListener('tutti-theme', draw);
      plot.current?.destroy();
    };
  }, []);

  useEffect(() => plot.current?.setData(dataOf(props)), [props.times, props.lines, props.fromSeconds]);

  return (
    <figure class="chart">
      <figcaption>
        <h2>{props.title}</h2>
        <ul class="legend">
          {props.lines.map((line) => (
            <li key={line.name}>
              <i class="legend-sign" style={{ background: `var(${line.color})` }} />
              {line.name} <span class="number">{props.format(line.values.at(-1) ?? null)}</span>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="chart-place" ref={place} role="img" aria-label={summaryOf(props)} />
    </figure>
  );
}

function summaryOf({ title, lines, format }: Props): string {
  return `${title}: ${lines.map((line) => `${line.name} ${format(line.values.at(-1) ?? null)}`).join(', ')}`;
}

function dataOf({ times, lines }: Props): uPlot.AlignedData {
  return [times, ...lines.map((line) => line.values)];
}

function optionsOf(element: HTMLElement, latest: { current: Props }): uPlot.Options {
  const { lines, syncKey } = latest.current;
  const color = colorsOf(element);
  const font = '11px system-ui, sans-serif';
  return {
    width: element.clientWidth,
    height,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: syncKey }, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: () => [latest.current.fromSeconds, latest.current.toSeconds] },
      y: { range: (_plot, _min, max) => [0, niceTop(max)] },
    },
    axes: [
      {
        stroke: color('--ink-3'),
        grid: { show: false },
        ticks: { show: false },
        font,
        size: 26,
        space: 64,
        values: (_plot, splits, _axis, _space, stepSeconds) =>
          splits.map((seconds) => formatClock(seconds * 1000, stepSeconds < 60)),
      },
      {
        stroke: color('--ink-3'),
        grid: { stroke: color('--line'), width: 1 },
        ticks: { show: false },
        font,
        // As wide as `12.5 ms`: cut at its left, a number would be another one.
        size: 56,
        space: 36,
        values: (_plot, splits) => splits.map((value) => latest.current.format(value)),
      },
    ],
    series: [
      {},
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.name,
          stroke: color(line.color),
          width: 1.5,
          points: { show: false },
          ...(line.filled && { fill: `color-mix(in oklab, ${color(line.color)} 14%, transparent)` }),
        }),
      ),
    ],
    hooks: {
      draw: [(plot) => drawMarks(plot, latest.current.marks, color('--ink-3'))],
      setCursor: [(plot) => showTip(plot, latest.current)],
      init: [(plot) => addTip(plot)],
    },
  };
}

function niceTop(max: number | null): number {
  return Math.max(1, (max ?? 0) * 1.15);
}

/** Custom properties as colours a canvas understands: the browser resolves them on an element. */
function colorsOf(element: HTMLElement): (name: string) => string {
  const probe = document.createElement('span');
  return (name) => {
    element.append(probe);
    probe.style.color = `var(${name})`;
    const resolved = getComputedStyle(probe).color;
    probe.remove();
    return resolved;
  };
}

function drawMarks(plot: uPlot, marks: readonly number[], color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.setLineDash([3 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.lineWidth = devicePixelRatio;
  for (const mark of marks) {
    const x = plot.valToPos(mark, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function addTip(plot: uPlot): void {
  const tip = document.createElement('div');
  tip.className = 'chart-tip';
  tip.hidden = true;
  plot.over.append(tip);
}

function showTip(plot: uPlot, { times, lines, format }: Props): void {
  const tip = plot.over.querySelector<HTMLElement>('.chart-tip');
  const index = plot.cursor.idx;
  if (!tip) return;
  const time = index === null || index === undefined ? undefined : times[index];
  tip.hidden = time === undefined || (plot.cursor.left ?? -1) < 0;
  if (tip.hidden || time === undefined || index === null || index === undefined) return;
  tip.textContent = [
    formatClock(time * 1000),
    ...lines.map((line) => `${line.name} ${format(line.values[index] ?? null)}`),
  ].join('\n');
  const left = plot.cursor.left ?? 0;
  const flip = left > plot.over.clientWidth / 2;
  tip.style.left = flip ? '' : `${left + 10}px`;
  tip.style.right = flip ? `${plot.over.clientWidth - left + 10}px` : '';
}
