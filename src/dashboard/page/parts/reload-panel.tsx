// A reload as it happens: every slot on its way from the old generation to the new one. Stays for a while after a good end; of a bad one
// the refusal tells.

import { useEffect, useState } from 'preact/hooks';
import type { ReloadSnapshot, Snapshot, WorkerSnapshot } from '../../../supervisor/picture/snapshot.ts';
import { formatDuration } from '../format.ts';

const stayMs = 8_000;

export function ReloadPanel({ snapshot }: { snapshot: Snapshot | null }) {
  const [seen, setSeen] = useState<ReloadSnapshot | null>(null);
  const reload = snapshot?.reload;
  const active = reload !== undefined && reload.state !== 'idle';

  // Only what this page saw running is told when it ends; an old result is in the list of events.
  useEffect(() => {
    if (active && reload) setSeen(reload);
  }, [active, reload]);
  useEffect(() => {
    if (active || !seen) return;
    const timer = setTimeout(() => setSeen(null), stayMs);
    return () => clearTimeout(timer);
  }, [active, seen]);

  if (!snapshot || !reload || (!active && (!seen || reload.standing))) return null;
  const target = active ? reload.generation : (seen?.generation ?? reload.generation);
  const share = reload.total === 0 ? 0 : reload.done / reload.total;
  const ended = !active;
  const good = ended && reload.result === 'done';
  return (
    <section class={`card reload-panel ${ended ? (good ? 'good' : 'bad') : ''}`} aria-label="Reload">
      <div class="reload-head">
        <h2>
          <span class={`generation generation-${target % 6}`}>gen {target}</span>
          {ended ? endWords(reload) : stateWords[reload.state]}
        </h2>
        <p class="number" role="status">
          {reload.done} of {reload.total}
          {reload.startedAt && active && (
            <span class="soft"> · {formatDuration(Date.now() - Date.parse(reload.startedAt))}</span>
          )}
        </p>
      </div>
      <progress max={1} value={ended && good ? 1 : share} aria-label="Workers replaced" />
      <ol class="reload-slots">
        {slotsOf(snapshot.workers).map(([slot, workers]) => (
          <li key={slot}>
            <span class="reload-slot-name">{slot}</span>
            {workers.map((worker) => (
              <span
                key={worker.pid ?? worker.state}
                class={`reload-process generation-${worker.generation % 6} ${worker.state === 'ready' ? 'serving' : 'moving'}`}
                title={`pid ${worker.pid}, generation ${worker.generation}`}
              >
                {worker.state}
              </span>
            ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

const stateWords: Record<ReloadSnapshot['state'], string> = {
  idle: '',
  pinning: 'reading configuration and code',
  canary: 'the first new worker proves itself',
  rolling: 'replacing workers, new before old',
  'rolling-back': 'taking it back, the old generation stays',
};

function endWords(reload: ReloadSnapshot): string {
  switch (reload.result) {
    case 'done':
      return 'serves everywhere';
    default:
      return 'was superseded by a later one';
  }
}

function slotsOf(workers: readonly WorkerSnapshot[]): [string, WorkerSnapshot[]][] {
  const slots = new Map<string, WorkerSnapshot[]>();
  for (const worker of workers) {
    if (worker.slot === null) continue;
    const key = String(worker.slot);
    slots.set(key, [...(slots.get(key) ?? []), worker]);
  }
  return [...slots]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([slot, list]) => [slot, list.sort((a, b) => a.generation - b.generation)]);
}
