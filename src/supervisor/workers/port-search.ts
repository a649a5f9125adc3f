// Detects programs that look for a free port: each worker finds the port taken by a sibling and listens elsewhere, where no client looks for
// it. Pure; in the primary.
//
// Such a worker differs from one that is meant to listen elsewhere in how it got there: a port that it asked for was its own app's, or it let
// the system choose while the others have a fixed port. A port that only some workers open, beside one that all have, is no mistake.

import { hasPortPerSlot } from '../../protocol/balance.ts';
import { refOf } from '../apply/retire.ts';
import type { Effects } from '../effects.ts';
import { type Model, servingWorkers } from '../model.ts';
import type { Listener } from '../vocabulary/listener.ts';
import type { Worker } from './worker-state.ts';

/** The port where clients look for the worker in vain, because its own app had taken it; null: none. */
export function wantedPort(worker: Worker, others: readonly Worker[]): number | null {
  if (worker.listeners.length === 0) return null;
  const { missed, chosen } = worker.search;
  const isChosen = worker.listeners.every(({ port }) => port !== undefined && chosen.includes(port));
  if (missed.length === 0 && !isChosen) return null;
  for (const other of others) {
    if (other === worker || haveCommon(worker, other)) continue;
    for (const { port } of other.listeners) {
      if (port === undefined) continue;
      if (missed.includes(port) || (isChosen && !other.search.chosen.includes(port))) return port;
    }
  }
  return null;
}

export function strayDetail(worker: Worker, wanted: number): string {
  const ports = worker.listeners.map(({ port, path }) => port ?? path).join(', ');
  return `the first new worker listens on port ${ports} instead of ${wanted}, where it found its own app: the program looks for a free port; give it a fixed one`;
}

/** Reports workers without a common port, once per generation. */
export function noteDifference(model: Model, effects: Effects): void {
  const generation = model.generations.get(model.current);
  if (generation === undefined || generation.toldPorts || hasPortPerSlot(model.policy.balance)) return;
  const workers = servingWorkers(model).filter((worker) => worker.generation === model.current);
  for (const worker of workers) {
    const wanted = wantedPort(worker, workers);
    const other = workers.find((one) => one !== worker && !haveCommon(worker, one) && one.listeners.length > 0);
    if (other === undefined || worker.listeners.length === 0) continue;
    if (wanted === null && (workers.some((one) => wantedPort(one, workers) !== null) || isByPlace(workers))) continue;
    generation.toldPorts = true;
    const { listeners } = worker;
    effects.report({ type: 'ports-differ', ...refOf(worker), listeners, others: other.listeners, wanted });
    return;
  }
}

/** Whether each slot's port is one more than that of the slot before: then the program chose them on purpose. */
function isByPlace(workers: readonly Worker[]): boolean {
  const first = workers[0];
  if (first === undefined) return false;
  return first.listeners.some(
    ({ port }) =>
      port !== undefined &&
      workers.every(({ slot, listeners }) =>
        listeners.some((listener) => listener.port === port + (slot ?? 0) - (first.slot ?? 0)),
      ),
  );
}

function haveCommon(one: Worker, other: Worker): boolean {
  return one.listeners.some((place) => other.listeners.some((another) => isSame(place, another)));
}

function isSame(one: Listener, other: Listener): boolean {
  return (
    one.protocol === other.protocol &&
    one.address === other.address &&
    one.port === other.port &&
    one.path === other.path
  );
}
