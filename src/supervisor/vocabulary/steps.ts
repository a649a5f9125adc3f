// What the plan can ask the supervisor to do next. Each step changes the model so that the plan does not ask for it again.

import type { Failure } from '../reload/reload-state.ts';
import type { Ending, Purpose, Worker } from '../workers/worker-state.ts';
import type { CommandResult } from './actions.ts';

export type Step =
  // Processes.
  | {
      type: 'fork';
      slot: number | null;
      as: 'serving' | 'successor' | 'spare';
      generation: number;
      purpose: Purpose;
      /** Why the worker that it replaces has to leave. */
      reason?: string;
    }
  | { type: 'probe'; worker: Worker }
  /** Readiness and probe are known: it serves, or waits as a spare. */
  | { type: 'become-ready'; worker: Worker }
  | { type: 'promote'; worker: Worker; slot: number }
  /** The successor takes the slot; the old worker, if it lives, drains. */
  | { type: 'take-over'; slot: number; reason: string }
  /** End it as gently as its state allows. */
  | { type: 'retire'; worker: Worker; reason: string }
  | { type: 'terminate'; worker: Worker; ending: Ending }
  | { type: 'kill'; worker: Worker; ending: Ending }
  | { type: 'abandon'; worker: Worker }
  | { type: 'suspect'; worker: Worker }
  | { type: 'recover'; worker: Worker }
  | { type: 'autopsy'; worker: Worker }
  /** It ends itself. */
  | { type: 'let-finish'; worker: Worker; reason: string }
  /** It drains, and has to learn that the whole app stops. */
  | { type: 'hurry'; worker: Worker }
  | { type: 'measure-memory'; worker: Worker }
  // The pool.
  | { type: 'hold-back'; what: string; cause: 'files' | 'memory'; reason: string }
  | { type: 'autoscale'; to: number; reason: string }
  | { type: 'note-broken'; slot: number }
  | { type: 'note-proven'; generation: number }
  | { type: 'close-circuit' }
  | { type: 'close-ports' }
  | { type: 'close-slot-ports'; slot: number }
  | { type: 'shut-ports' }
  | { type: 'check-ports' }
  | { type: 'close'; mode: 'graceful' | 'fast'; code: number; reason: string }
  | { type: 'exit' }
  // The reload.
  /** Nobody else serves, so the canary does before it has passed. */
  | { type: 'admit'; worker: Worker }
  | { type: 'canary-passes' }
  | { type: 'reload-progresses'; done: number }
  | { type: 'reload-commits' }
  | { type: 'reload-fails'; failure: Failure }
  | { type: 'reload-ends'; result: CommandResult }
  // Commands.
  | { type: 'scale-ends'; result: CommandResult }
  | { type: 'recycle-ends'; id: number; result: CommandResult };
