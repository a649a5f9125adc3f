// Asks the workers for the application's own metrics, and remembers that somebody wants them (primary). The worker's side is
// src/worker/report/app-metrics.ts.

import { SILENT_MS } from '../../protocol/silence.ts';
import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';
import { monotonicMs } from '../monotonic.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

export class MetricsQuestion {
  /** Workers that learn this at their start send their last metrics even if they end before the next question. */
  isWanted: boolean;

  constructor(isWanted: boolean) {
    this.isWanted = isWanted;
  }

  /** Asks the workers that gave a sign of life lately. */
  ask(seq: number, workers: Iterable<WorkerProcess>): { asked: WorkerId[]; quiet: WorkerId[] } {
    this.isWanted = true;
    const since = monotonicMs() - SILENT_MS;
    const asked: WorkerId[] = [];
    const quiet: WorkerId[] = [];
    for (const worker of workers) {
      const isAsked = worker.heardAt >= since && worker.send({ cmd: 'NODE_TUTTI_METRICS', seq });
      (isAsked ? asked : quiet).push(worker.id);
    }
    return { asked, quiet };
  }
}
