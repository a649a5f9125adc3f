// What handling one input may do to the world. The supervisor makes one such object per input. Pure; in the primary.

import type { Action, CommandResult } from './vocabulary/actions.ts';
import type { SupervisorEvent } from './vocabulary/events.ts';

export interface Effects {
  /** The same time for everything that one input causes. */
  readonly now: number;
  random(): number;
  /** See `Headroom`. */
  shortage(starting: number): string | null;
  perform(action: Action): void;
  report(event: SupervisorEvent): void;
  answer(id: number, result: CommandResult): void;
}
