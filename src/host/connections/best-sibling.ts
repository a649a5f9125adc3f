// Picks the worker for a connection that another worker has sent away (primary): the home of its client's address (`ip-hash`), otherwise the
// one that holds fewest. Its sender decided that it should leave, in src/worker/balance/.

import type { Candidates, Choice } from './choice.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';
import type { Lanes, Offer } from './lanes.ts';

/** A worker that takes longer to answer an offer is busy with something else. */
export const SLOW_MS = 10;
/** An answer that is older says nothing about how quick the worker is now. */
const FORGET_MS = 50;
/** For a worker that is not on the scoreboard. It is more than any worker holds, so such a worker comes last. */
const UNKNOWN_LOAD = 1e9;

export interface Situation {
  lanes: Lanes;
  /** How many connections the workers say they hold now, by cell. */
  connections(): (cell: number) => number;
  now: number;
  /** `from` can take nothing any more, not even back. */
  isSenderDead: boolean;
}

/** Records on `offer` what the next choice must know. */
export function bestSibling(
  offer: Offer,
  from: DataPlaneWorker,
  { able, willing, leaving }: Candidates,
  situation: Situation,
): Choice {
  const { isSenderDead } = situation;
  if (isSenderDead) offer.held = null;
  const best = leastLoaded(offer, from, willing, situation);
  // A dead worker leaves many. They wait in one queue, and a worker that does not answer gets no more.
  if (isSenderDead && (best === 'wait' || (best === null && willing.length > 0))) return null;
  if (best === 'wait') return 'wait';
  if (best !== null) return { worker: best, mode: 'offer' };
  if (!isSenderDead && !offer.refusedBy.has(from.id))
    return { worker: from, mode: offer.held === null ? 'return' : 'offer' };
  // Its sender is gone or about to go. Any other worker has to take it, now or later.
  const last =
    willing[0] ??
    able.find((worker) => !offer.deniedBy.has(worker.id)) ??
    leaving.find((worker) => !offer.refusedBy.has(worker.id));
  if (last === undefined) {
    offer.refusedBy.clear();
    offer.refusedBy.add(from.id);
    offer.deniedBy.clear();
    return null;
  }
  // All of them are full. As under plain node, its server decides.
  if (offer.refusedBy.has(last.id)) offer.deniedBy.add(last.id);
  return { worker: last, mode: last.isAdmitted() ? 'must' : 'return' };
}

/** Null: it should stay with its sender. */
function leastLoaded(
  { to, held }: Offer,
  from: DataPlaneWorker,
  workers: readonly DataPlaneWorker[],
  { lanes, connections, now }: Situation,
): DataPlaneWorker | 'wait' | null {
  if (workers.length === 0) return null;
  const home = to === null ? undefined : workers.find(({ cell }) => cell === to);
  if (home !== undefined) return home;
  const connectionsOf = connections();
  // What is on its way to a worker counts like what it holds. All senders meet here, so together they do not overrun a target.
  const load = (worker: DataPlaneWorker): number =>
    (worker.cell === null ? UNKNOWN_LOAD : connectionsOf(worker.cell)) + lanes.of(worker).offers.size;
  // What the sender said may be out of date.
  let least = held === null ? Number.POSITIVE_INFINITY : Math.max(held, load(from));
  let best: DataPlaneWorker | 'wait' | null = null;
  let slow: 'wait' | null = null;
  for (const worker of workers) {
    const lane = lanes.of(worker);
    const [oldest] = lane.offers.values();
    if (oldest !== undefined && now - oldest.sentAt > SLOW_MS) {
      // Better late than closed: its sender has no room, and a slow worker may have some.
      if (held === null && from.isAdmitted()) slow = 'wait';
      continue;
    }
    if (oldest === undefined && now - lane.answeredAt > FORGET_MS) lane.window = 1;
    const itsLoad = load(worker);
    if (itsLoad >= least) continue;
    if (lane.offers.size < lane.window) {
      best = worker;
      least = itsLoad;
    } else best ??= 'wait';
  }
  return best ?? slow;
}
