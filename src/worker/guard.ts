// Stands between the application and everything that tutti runs in its process: no timer, event, message, subscriber or callback of the
// preload is registered but through here, and what fails in one is counted, told to the primary once, and passed over. Runs in the worker.
import { subscribe as subscribeTo, unsubscribe as unsubscribeFrom } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';

/** What is left to do in the application's own code. It runs outside of the guard: what fails there is the application's error. */
export type HandOver = () => void;
// biome-ignore lint/suspicious/noConfusingVoidType: most jobs have nothing to hand over, and say nothing.
export type Outcome = HandOver | undefined | void;

declare const guard: unique symbol;
/** A function that throws nothing but what the application's own code has thrown. */
export type Guarded<A extends unknown[] = [], T = unknown> = ((this: T, ...args: A) => void) & { [guard]: true };

/** As node has them now: an application may put others in their place, or take them away. */
const { setTimeout, setInterval, setImmediate, clearTimeout } = globalThis;
const { nextTick: atOnce } = globalThis.process;

/** Of so many kinds of failure the primary is told; each is a place in the code, so there are not many. */
const MOST_TOLD = 50;
const MOST_CHARS = 500;
const LONGEST_MS = 2 ** 31 - 1;

let count = 0;
const told = new Map<string, string>();
let tell: ((what: string, error: string) => void) | null = null;

/** How often something of tutti's has failed in this process. */
export function failures(): number {
  return count;
}

/** `to` hears of each kind of failure once, also of those before now. */
export function tellFailures(to: (what: string, error: string) => void): void {
  tell = to;
  for (const [what, error] of told) to(what, error);
}

/** Takes note of what was caught. `what`: what could not be done, as part of a sentence. Never throws. */
export function failed(what: string, error: unknown): void {
  count += 1;
  try {
    if (told.has(what) || told.size >= MOST_TOLD) return;
    const text = wordsOf(error);
    told.set(what, text);
    tell?.(what, text);
  } catch {
    // It is counted.
  }
}

/** Runs `job` when called. What it returns is run outside of the guard. */
export function guarded<A extends unknown[] = [], T = unknown>(
  what: string,
  job: (this: T, ...args: A) => Outcome,
): Guarded<A, T> {
  return function (this: T, ...args: A): void {
    let handOver: Outcome;
    try {
      handOver = job.apply(this, args);
    } catch (error) {
      failed(what, error);
    }
    if (handOver !== undefined) handOver();
  } as Guarded<A, T>;
}

/** Runs `job` now. Answers `otherwise` where it fails. */
export function attempt<R>(what: string, job: () => R, otherwise: R): R {
  try {
    return job();
  } catch (error) {
    failed(what, error);
    return otherwise;
  }
}

/** A reading that answers, where it fails, what it has read last; `first` before that. */
export function lastOf<R>(what: string, read: () => R, first: R): () => R {
  let last = first;
  return () => {
    last = attempt(what, read, last);
    return last;
  };
}

/** A promise that nobody waits for. */
export function unawaited(what: string, promise: Promise<unknown>): void {
  promise.then(undefined, (error: unknown) => failed(what, error));
}

export function later(ms: number, job: Guarded): NodeJS.Timeout {
  return setTimeout(job, ms);
}

export function repeat(ms: number, job: Guarded): NodeJS.Timeout {
  return setInterval(job, ms);
}

/** In the check phase of this turn of the loop. */
export function soon(job: Guarded): void {
  setImmediate(job);
}

export function nextTick(job: Guarded): void {
  atOnce(job);
}

export function cancel(timer: NodeJS.Timeout): void {
  clearTimeout(timer);
}

/** Does nothing but keep the process alive, as a pending operation of the application would, until it is cancelled. */
export function keepAlive(): NodeJS.Timeout {
  return setInterval(() => {}, LONGEST_MS);
}

type Listener = ((this: never, ...args: never[]) => void) & { [guard]: true };

export function on(emitter: EventEmitter, event: string | symbol, listener: Listener): void {
  emitter.on(event, listener as unknown as () => void);
}

export function once(emitter: EventEmitter, event: string | symbol, listener: Listener): void {
  emitter.once(event, listener as unknown as () => void);
}

/** Before the listeners that are there. */
export function onFirst(emitter: EventEmitter, event: string | symbol, listener: Listener): void {
  emitter.prependListener(event, listener as unknown as () => void);
}

export function off(emitter: EventEmitter, event: string | symbol, listener: Listener): void {
  emitter.removeListener(event, listener as unknown as () => void);
}

/** What throws in a subscriber is an uncaught exception of the process too, only later. */
export function subscribe(channel: string, listener: Guarded<[message: unknown]>): void {
  subscribeTo(channel, listener);
}

export function unsubscribe(channel: string, listener: Guarded<[message: unknown]>): void {
  unsubscribeFrom(channel, listener);
}

/** With the place in tutti where it happened. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, MOST_CHARS);
  const place = /^\s*at .*$/m.exec(error.stack ?? '')?.[0].trim();
  const code = (error as NodeJS.ErrnoException).code;
  const message = code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
  return `${message || error.name}${place === undefined ? '' : ` (${place})`}`.slice(0, MOST_CHARS);
}
