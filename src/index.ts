// The library's door.

export { type AppOptions, type ConfigFile, defineConfig } from './config/options.ts';
export { type ErrorCode, exitCodes, type Problem, TuttiError } from './errors.ts';
export { type SuperviseOptions, supervise } from './supervise.ts';
export type { EventName, EventOf, Stopped, Supervision, TimedEvent } from './supervision.ts';
export type { CommandResult } from './supervisor/actions.ts';
export type { ExitReason, PrimaryState, SupervisorEvent } from './supervisor/events.ts';
export type { Listener } from './supervisor/listener.ts';
export type {
  LastExit,
  ReloadSnapshot,
  SlotState,
  Snapshot,
  WorkerSnapshot,
  WorkerState,
} from './supervisor/snapshot.ts';
