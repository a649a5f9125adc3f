// The workers, one card per slot: while one worker replaces another, both are on the card of their slot.

import type { WorkerSnapshot } from '../../../supervisor/picture/snapshot.ts';
import type { PageState } from '../state/store.ts';
import { WorkerCard } from './worker-card.tsx';

export function Workers({ state }: { state: PageState }) {
  const { snapshot } = state;
  if (!snapshot) return null;
  const slots = bySlot(snapshot.workers);
  return (
    <section aria-labelledby="workers-title">
      <div class="section-head">
        <h2 id="workers-title">Workers</h2>
        <p>
          {snapshot.workers.filter((worker) => worker.state === 'ready').length} ready, {snapshot.target} wanted
        </p>
      </div>
      <ul class="workers">
        {slots.map(([key, workers]) => (
          <WorkerCard key={key} name={key} workers={workers} state={state} />
        ))}
      </ul>
    </section>
  );
}

function bySlot(workers: readonly WorkerSnapshot[]): [string, WorkerSnapshot[]][] {
  const slots = new Map<string, WorkerSnapshot[]>();
  for (const worker of workers) {
    const key = worker.slot === null ? 'spare' : String(worker.slot);
    const known = slots.get(key);
    if (known) known.push(worker);
    else slots.set(key, [worker]);
  }
  const order = (key: string) => (key === 'spare' ? Number.POSITIVE_INFINITY : Number(key));
  return [...slots].sort(([a], [b]) => order(a) - order(b));
}
