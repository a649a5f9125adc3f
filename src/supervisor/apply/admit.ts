// Opens the gate of a worker: from then on it accepts connections. Tells the host and decides nothing. In the primary.

import type { Effects } from '../effects.ts';
import type { Worker } from '../workers/worker-state.ts';

export function admit(worker: Worker, slot: number, effects: Effects): void {
  if (worker.admitted) return;
  worker.admitted = true;
  effects.perform({ type: 'admit', worker: worker.id, slot });
}
