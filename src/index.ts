// The library's door.

export { type SuperviseOptions, supervise } from './app/supervise.ts';
export type { EventName, EventOf, Stopped, Supervision, TimedEvent } from './app/supervision.ts';
export { type AppOptions, type ConfigFile, defineConfig } from './config/options.ts';
export { type ErrorCode, exitCodes, type Problem, TuttiError } from './errors.ts';
export type {
  LastExit,
  ReloadSnapshot,
  SlotState,
  Snapshot,
  WorkerSnapshot,
  WorkerState,
} from './supervisor/picture/snapshot.ts';
export type { CommandResult } from './supervisor/vocabulary/actions.ts';
export type { ExitReason, PrimaryState, SupervisorEvent } from './supervisor/vocabulary/events.ts';
export type { Listener } from './supervisor/vocabulary/listener.ts';
