// One slot: who is in it, how it is and how it went during the last minute.

import type { WorkerSnapshot } from '../../../supervisor/picture/snapshot.ts';
import { formatBytes, formatDuration, formatMs, formatRate } from '../format.ts';
import { ask, type PageState } from '../state/store.ts';
import { Icon } from './icons.tsx';
import { Sparkline } from './sparkline.tsx';

interface Props {
  name: string;
  workers: readonly WorkerSnapshot[];
  state: PageState;
}

const shown = 60;

export function WorkerCard({ name, workers, state }: Props) {
  // The newest process is the slot's future, the serving one its present: numbers come from who serves.
  const serving = workers.find((worker) => worker.state === 'ready' || worker.state === 'suspect') ?? workers[0];
  if (!serving) return null;
  const line = state.slots[name];
  const slot = serving.slot;
  const last = serving.lastExit?.reason === 'planned' ? null : serving.lastExit;
  const note = [
    serving.restarts > 0 && `${serving.restarts} ${serving.restarts === 1 ? 'restart' : 'restarts'}`,
    serving.reason ?? (last && `last exit: ${last.reason}${exitCode(last.code, last.signal)}`),
  ]
    .filter(Boolean)
    .join(' · ');
  const busy = state.running.includes(`recycle ${name}`);
  const memory = formatBytes(serving.pssBytes ?? serving.rssBytes);
  const delay = formatMs(serving.eventLoopDelayP99Ms);
  return (
    <li class={`card worker ${toneOf(serving)}`} data-slot={name}>
      <div class="worker-head">
        <h3>{name === 'spare' ? 'Spare' : `Slot ${name}`}</h3>
        {slot !== null && serving.pid !== null && (
          <span class="worker-commands">
            {state.offers.has('/v1/profile') && (
              <button
                type="button"
                class="button quiet small"
                aria-label={`Profile slot ${slot}`}
                title="Record a CPU profile while it serves"
                onClick={() => ask({ type: 'profile', slot })}
              >
                <Icon name="profile" />
              </button>
            )}
            <button
              type="button"
              class="button quiet small"
              aria-label={`Recycle slot ${slot}`}
              title="Replace this worker by a fresh one, losing nothing"
              disabled={busy || state.connection !== 'live'}
              onClick={() => ask({ type: 'recycle', slot })}
            >
              <Icon name="recycle" />
            </button>
          </span>
        )}
      </div>
      <ul class="processes">
        {workers.map((worker) => (
          <li key={worker.pid ?? worker.state}>
            <span class={`badge ${toneOf(worker)}`}>
              <i class={isMoving(worker) ? 'dot pulsing' : 'dot'} />
              {worker.state}
            </span>
            {worker.pid !== null && (
              <span class="number process-facts">
                pid {worker.pid} · {formatDuration(worker.uptimeMs, 1)}
              </span>
            )}
            <span class={`generation generation-${worker.generation % 6}`}>gen {worker.generation}</span>
          </li>
        ))}
      </ul>
      <dl class="worker-figures">
        <div>
          <dt>req/s</dt>
          <dd class="number">{formatRate(line?.requestsPerSecond.at(-1) ?? 0)}</dd>
          <Sparkline
            values={line?.requestsPerSecond ?? []}
            length={shown}
            floor={5}
            label={`Requests per second of ${name}, last minute`}
          />
        </div>
        <div>
          <dt>CPU</dt>
          <dd class="number">
            {Math.round(serving.cpuPercent)}
            <small> %</small>
          </dd>
          <Sparkline values={line?.cpuPercent ?? []} length={shown} floor={100} label={`CPU of ${name}, last minute`} />
        </div>
        <div>
          <dt>memory</dt>
          <dd class="number">
            {memory.value}
            <small> {memory.unit}</small>
          </dd>
          <Sparkline
            values={line?.memoryBytes ?? []}
            length={shown}
            floor={1}
            label={`Memory of ${name}, last minute`}
          />
        </div>
      </dl>
      <p class="worker-facts">
        <span title="Open connections, and requests being answered">
          {serving.connections} conn · {serving.activeRequests} busy
        </span>
        <span title="99th percentile of event loop delay">
          loop {delay.value} {delay.unit}
        </span>
      </p>
      {note !== '' && <p class="worker-note">{note}</p>}
    </li>
  );
}

function exitCode(code: number | null, signal: string | null): string {
  if (signal) return ` (${signal})`;
  return code === null || code === 0 ? '' : ` (code ${code})`;
}

function toneOf(worker: WorkerSnapshot): 'good' | 'warn' | 'bad' | 'plain' {
  switch (worker.state) {
    case 'ready':
      return 'good';
    case 'suspect':
    case 'backoff':
      return 'warn';
    case 'broken':
    case 'killing':
      return 'bad';
    default:
      return 'plain';
  }
}

function isMoving(worker: WorkerSnapshot): boolean {
  return worker.state === 'starting' || worker.state === 'draining' || worker.state === 'stopping';
}
