// The six numbers that say whether all is well.

import type { ComponentChildren } from 'preact';
import { formatBytes, formatCount, formatMs, formatRate } from '../format.ts';
import type { PageState } from '../state/store.ts';
import { Sparkline } from './sparkline.tsx';

const shown = 60;

export function Figures({ state }: { state: PageState }) {
  const points = state.seconds.slice(-shown);
  const last = points.at(-1);
  const snapshot = state.snapshot;
  if (!snapshot) return null;

  const memory = formatBytes(last?.memoryBytes ?? 0);
  const p99 = formatMs(last?.p99Ms ?? null);
  const errors = last?.errorsPerSecond ?? 0;
  const share = last && last.requestsPerSecond > 0 ? (100 * errors) / last.requestsPerSecond : 0;
  return (
    <section class="figures" aria-label="Key figures">
      <Figure name="Requests" value={formatRate(last?.requestsPerSecond ?? 0)} unit="/s">
        <Sparkline
          values={points.map((point) => point.requestsPerSecond)}
          length={shown}
          floor={5}
          label="Requests per second, last minute"
        />
      </Figure>
      <Figure
        name="Errors"
        value={formatRate(errors)}
        unit={`/s${share > 0 ? ` · ${share < 0.1 ? '< 0.1' : share.toFixed(1)} %` : ''}`}
        tone={errors > 0 ? 'bad' : undefined}
      >
        <Sparkline
          values={points.map((point) => point.errorsPerSecond)}
          length={shown}
          floor={5}
          label="Answers with status 5xx per second, last minute"
        />
      </Figure>
      <Figure name="Latency p99" value={p99.value} unit={p99.unit}>
        <Sparkline values={points.map((point) => point.p99Ms)} length={shown} floor={10} label="p99, last minute" />
      </Figure>
      <Figure name="Connections" value={formatCount(last?.connections ?? 0)} unit={`${last?.activeRequests ?? 0} busy`}>
        <Sparkline
          values={points.map((point) => point.connections)}
          length={shown}
          floor={5}
          label="Connections, last minute"
        />
      </Figure>
      <Figure name="CPU" value={formatCount(Math.round(last?.cpuPercent ?? 0))} unit="% of a core">
        <Sparkline
          values={points.map((point) => point.cpuPercent)}
          length={shown}
          floor={50}
          label="CPU, last minute"
        />
      </Figure>
      <Figure name="Memory" value={memory.value} unit={memory.unit}>
        <Sparkline
          values={points.map((point) => point.memoryBytes)}
          length={shown}
          floor={1}
          label="Memory, last minute"
        />
      </Figure>
    </section>
  );
}

interface FigureProps {
  name: string;
  value: string;
  unit: string;
  tone?: 'bad' | undefined;
  children: ComponentChildren;
}

function Figure({ name, value, unit, tone, children }: FigureProps) {
  return (
    <div class={`figure ${tone ?? ''}`}>
      <h2>{name}</h2>
      <p>
        <span class="figure-value number">{value}</span> <span class="figure-unit">{unit}</span>
      </p>
      {children}
    </div>
  );
}
