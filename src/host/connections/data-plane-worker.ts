// What the primary's data plane knows of a worker (primary).

import type { ToWorker } from '../../protocol/messages.ts';
import type { Account } from '../privileges/as-account.ts';

export interface DataPlaneWorker {
  /** Unique within this primary. */
  readonly id: number;
  /** Its place on the scoreboard; null without one. */
  readonly cell: number | null;
  readonly generation: number;
  /** The user that it runs as, if it is not ours. */
  readonly account: Account | null;
  /** Its place among its siblings; null for a spare. */
  readonly slot: number | null;
  /** Its slot, if that has ports of its own (`ports`); else null. */
  readonly portSlot: number | null;
  /** It passes on what it accepts too much of, so others may accept in its place. */
  readonly mayRest: boolean;
  /** It may be given connections: the gate is open and it does not drain. */
  isAdmitted(): boolean;
  /** It was told to drain or to end. */
  isDraining(): boolean;
  /** It was admitted and drains now, so it can serve what nobody else can. */
  isLeaving(): boolean;
  /** It gave a sign of life lately. A stopped process would hang what it is given. */
  isFresh(): boolean;
  /** How long ago its last known sign of life was. */
  silentMs(): number;
  /** `callback` is called when the message has left the primary or could not. Never throws. */
  send(message: ToWorker, handle?: unknown, callback?: (error: Error | null) => void): void;
}
