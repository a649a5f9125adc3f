// What a change of the model may do to the world besides: one object per input, made by the supervisor.

import type { Action, CommandResult } from './vocabulary/actions.ts';
import type { SupervisorEvent } from './vocabulary/events.ts';

export interface Effects {
  /** One time for everything that one input causes. */
  readonly now: number;
  random(): number;
  /** See `Headroom`. */
  shortage(starting: number): string | null;
  perform(action: Action): void;
  report(event: SupervisorEvent): void;
  answer(id: number, result: CommandResult): void;
}
