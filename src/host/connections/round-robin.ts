// `round-robin`: picks the worker for a connection that the primary has accepted (primary). The worker's side, a listener without a socket, is
// src/worker/listen/listen-handle.ts.

import type { AdoptMode } from '../../protocol/messages.ts';
import type { Candidates, Choice } from './choice.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';
import type { Lanes } from './lanes.ts';

/** The worker that acknowledged longest ago; each gets one at a time. */
export function nextInTurn({ able, willing, leaving }: Candidates, lanes: Lanes): Choice {
  if (able.length === 0) return choice(leastRecent(leaving, lanes), 'return');
  if (willing.length > 0) return choice(leastRecent(willing, lanes), 'offer');
  // Every worker is full. As under plain node, one of them takes it and lets its server decide.
  return choice(leastRecent(able, lanes), 'must');
}

function choice(worker: DataPlaneWorker | null, mode: AdoptMode): Choice {
  return worker === null ? null : { worker, mode };
}

function leastRecent(workers: readonly DataPlaneWorker[], lanes: Lanes): DataPlaneWorker | null {
  let best: DataPlaneWorker | null = null;
  let bestTurn = Number.POSITIVE_INFINITY;
  for (const worker of workers) {
    const { offers, turn } = lanes.of(worker);
    if (offers.size > 0 || turn >= bestTurn) continue;
    best = worker;
    bestTurn = turn;
  }
  return best;
}
