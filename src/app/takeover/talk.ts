// What the two supervisors of an upgrade say to each other, on the IPC channel between them. Composition, in the primary.

import type { RecordedEvent } from '../../admin/api/event-history.ts';
import type { Program } from '../../host/code/generations.ts';
import type { SavedCounts } from '../../metrics/counters.ts';
import type { Forebear } from '../../supervisor/vocabulary/forebear.ts';

/** What the old one hands over beside the sockets. It holds the environment of its workers, so it never goes to a disk. */
export interface Estate {
  counts: SavedCounts;
  /** The last that happened, oldest first. Of the events that come while it drains, its own log tells. */
  events: readonly RecordedEvent[];
  /** What the old workers run, and the rules they live by. */
  previous: { forebear: Forebear; program: Program } | null;
}

export type ToSuccessor =
  | { tutti: 'offered'; estate: Estate }
  /** What the old workers counted while they were drained. */
  | { tutti: 'counted'; counts: SavedCounts };

export type FromSuccessor = { tutti: 'ready' } | { tutti: 'taken' } | { tutti: 'failed'; reason: string };

/** Null: it is none of these. */
export function fromSuccessor(message: unknown): FromSuccessor | null {
  const said = message as Partial<FromSuccessor> | null;
  if (said?.tutti === 'ready' || said?.tutti === 'taken') return { tutti: said.tutti };
  if (said?.tutti === 'failed') return { tutti: 'failed', reason: String((said as { reason?: unknown }).reason) };
  return null;
}

export function toSuccessor(message: unknown): ToSuccessor | null {
  const said = message as Partial<ToSuccessor> | null;
  return said?.tutti === 'offered' || said?.tutti === 'counted' ? (said as ToSuccessor) : null;
}
