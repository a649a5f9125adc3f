// The handle on a running app: commands in, answers and events out. Runs in the primary. It knows the core only as something that
// takes inputs, and the world not at all.

import { EventEmitter } from 'node:events';
import type { Snapshot } from '../supervisor/picture/snapshot.ts';
import type { CommandResult } from '../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';
import type { SupervisorInput } from '../supervisor/vocabulary/inputs.ts';
import { EventFeed } from './event-feed.ts';

/** An event with the time at which it was told (ISO 8601). */
export type TimedEvent = SupervisorEvent & { at: string };

/** How it ended: the exit code that `tutti run` would leave with, and why. */
export interface Stopped {
  code: number;
  reason: string;
}

/**
 * A supervised app. Commands never reject: what came of them is in the `outcome` of the result, and a failed reload has
 * changed nothing. After the end everything is given back: timers, sockets, files, listeners, processes.
 */
export interface Supervision extends AsyncIterable<TimedEvent> {
  readonly name: string;
  /** Kept when every worker is ready for the first time; rejects if it ends before: with a TuttiError that says why, or because it was stopped. */
  readonly ready: Promise<void>;
  /** Kept when all workers have ended. It never rejects. */
  readonly stopped: Promise<Stopped>;
  /** Reads the configuration again and replaces every worker, new before old. Kept when the last old one is gone, or it failed. */
  reload(): Promise<CommandResult>;
  /** Goes back to the generation before. */
  rollback(): Promise<CommandResult>;
  /** Kept when that many workers are ready and the superfluous ones are gone. */
  scale(to: number | { by: number }): Promise<CommandResult>;
  /** Replaces the worker in a slot, or all of them one after the other, with the code that runs. */
  recycle(slot?: number): Promise<CommandResult>;
  /** Drains and ends all workers; `fast` does without the drain. */
  stop(options?: { fast?: boolean }): Promise<CommandResult>;
  /** The picture of this moment. */
  snapshot(): Snapshot;
  /** Hears the events of one type, or with 'event' every event. */
  on<T extends EventName>(type: T, listener: (event: EventOf<T>) => void): this;
  once<T extends EventName>(type: T, listener: (event: EventOf<T>) => void): this;
  off<T extends EventName>(type: T, listener: (event: EventOf<T>) => void): this;
}

/** What `on()` takes: a type of event, or 'event' for all of them. */
export type EventName = 'event' | TimedEvent['type'];
export type EventOf<T extends EventName> = T extends 'event' ? TimedEvent : Extract<TimedEvent, { type: T }>;

/** An input without its id, for those inputs that are commands. */
type Command = SupervisorInput extends infer I ? (I extends { id: number } ? Omit<I, 'id'> : never) : never;

export interface Controls {
  dispatch(input: SupervisorInput): void;
  snapshot(): Snapshot;
  /** What must be known to the core before it decides about a command. */
  beforeCommand(): Promise<void>;
  /** Why such a command is refused now, or null. */
  obstacle(command: Command['type']): string | null;
}

export class SupervisionHandle implements Supervision {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly stopped: Promise<Stopped>;
  /** Every worker has been ready at the same time. */
  wasReady = false;
  readonly #controls: Controls;
  readonly #feed = new EventFeed<TimedEvent>();
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #answers = new Map<number, (result: CommandResult) => void>();
  #isReady: () => void = () => {};
  #isNotReady: (error: Error) => void = () => {};
  #isStopped: (stopped: Stopped) => void = () => {};
  #lastId = 0;
  #ended = false;

  constructor(name: string, controls: Controls) {
    this.name = name;
    this.#controls = controls;
    this.ready = new Promise((kept, broken) => {
      this.#isReady = kept;
      this.#isNotReady = broken;
    });
    // Who does not ask for it must not be ended by it.
    this.ready.catch(() => {});
    this.stopped = new Promise((kept) => {
      this.#isStopped = kept;
    });
  }

  reload(): Promise<CommandResult> {
    return this.#command({ type: 'reload' });
  }

  rollback(): Promise<CommandResult> {
    return this.#command({ type: 'rollback' });
  }

  scale(to: number | { by: number }): Promise<CommandResult> {
    return this.#command({ type: 'scale', to });
  }

  recycle(slot?: number, reason = 'asked'): Promise<CommandResult> {
    return this.#command({ type: 'recycle', slot: slot ?? null, reason });
  }

  stop({ fast = false }: { fast?: boolean } = {}, reason = 'asked'): Promise<CommandResult> {
    return this.#command({ type: 'stop', fast, reason });
  }

  snapshot(): Snapshot {
    return this.#controls.snapshot();
  }

  on<T extends EventName>(type: T, listener: (event: EventOf<T>) => void): this {
    this.#emitter.on(type, listener);
    return this;
  }

  once<T extends EventName>(type: T, listener: (event: EventOf<T>) => void): this {
    this.#emitter.once(type, listener);
    return this;
  }

  off<T extends EventName>(type: T, listener: (event: EventOf<T>) => void): this {
    this.#emitter.off(type, listener);
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<TimedEvent> {
    return this.#feed.read();
  }

  /** For the composition root: what the core reports. */
  report(event: SupervisorEvent): void {
    if (event.type === 'state' && event.state === 'running') {
      this.wasReady = true;
      this.#isReady();
    }
    const timed: TimedEvent = { ...event, at: new Date().toISOString() };
    // Later: a listener may give commands or throw, and the core is in the middle of something.
    queueMicrotask(() => {
      this.#feed.push(timed);
      this.#emitter.emit('event', timed);
      this.#emitter.emit(timed.type, timed);
    });
  }

  /** For the composition root: the core's answer to a command. */
  answer(id: number, result: CommandResult): void {
    this.#answers.get(id)?.(result);
    this.#answers.delete(id);
  }

  /** For the composition root: it is over, and `givenBack` is kept when nothing of it is left. */
  end(stopped: Stopped, error: Error | undefined, givenBack: Promise<unknown> = Promise.resolve()): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#isNotReady(error ?? new Error(`The app was stopped before it was ready: ${stopped.reason}.`));
    for (const id of [...this.#answers.keys()]) this.answer(id, refused);
    void givenBack.finally(() => this.#isStopped(stopped));
    queueMicrotask(() => this.#feed.end());
  }

  async #command(command: Command): Promise<CommandResult> {
    if (this.#ended) return refused;
    // A stop does not wait for anything.
    if (command.type !== 'stop') await this.#controls.beforeCommand();
    if (this.#ended) return refused;
    const obstacle = this.#controls.obstacle(command.type);
    if (obstacle !== null) return { outcome: 'refused', reason: obstacle };
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((answered) => {
      this.#answers.set(id, answered);
      this.#controls.dispatch({ ...command, id });
    });
  }
}

const refused: CommandResult = { outcome: 'refused', reason: 'the app has stopped' };
