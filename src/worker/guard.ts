// Keeps tutti's own failures from the application. The preload registers every timer, listener, subscriber and callback through this file;
// if one fails, the failure is counted, reported to the primary once, and swallowed. Runs in the worker; the primary reports it in
// src/host/process/preload-notices.ts.
import { subscribe as subscribeTo, unsubscribe as unsubscribeFrom } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';

/** What remains to be done in the application's own code. It runs outside the guard: an error there is the application's. */
export type HandOver = () => void;
// biome-ignore lint/suspicious/noConfusingVoidType: most jobs have nothing to hand over, and say nothing.
export type Outcome = HandOver | undefined | void;

declare const guard: unique symbol;
/** A function that throws only what the application's own code has thrown. */
export type Guarded<A extends unknown[] = [], T = unknown> = ((this: T, ...args: A) => void) & { [guard]: true };

/** Taken before the application runs, which may replace or delete them. */
const { setTimeout, setInterval, setImmediate, clearTimeout } = globalThis;
const { nextTick: atOnce } = globalThis.process;

/** At most this many kinds of failure are reported. A kind is a place in tutti's code, so there are far fewer. */
const MOST_TOLD = 50;
const MOST_CHARS = 500;
const LONGEST_MS = 2 ** 31 - 1;

let count = 0;
const told = new Map<string, string>();
let tell: ((what: string, error: string) => void) | null = null;

/** How many of tutti's own failures there were in this process. */
export function failures(): number {
  return count;
}

/** `to` is called once for each kind of failure, including those before this call. */
export function tellFailures(to: (what: string, error: string) => void): void {
  tell = to;
  for (const [what, error] of told) to(what, error);
}

/** Counts and reports a caught error. `what`: the thing that could not be done, as part of a sentence. Never throws. */
export function failed(what: string, error: unknown): void {
  count += 1;
  try {
    if (told.has(what) || told.size >= MOST_TOLD) return;
    const text = wordsOf(error);
    told.set(what, text);
    tell?.(what, text);
  } catch {
    // It has been counted.
  }
}

/** A function that runs `job` inside the guard, and what `job` returns outside of it. */
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

/** Runs `job` now. Returns `otherwise` if it fails. */
export function attempt<R>(what: string, job: () => R, otherwise: R): R {
  try {
    return job();
  } catch (error) {
    failed(what, error);
    return otherwise;
  }
}

/** A function that returns what `read` returns. If `read` fails, it returns the last good value, or `first` if there is none. */
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

/** Keeps the process alive until it is cancelled, as a pending operation of the application would. */
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

/** Adds the listener before the existing ones. */
export function onFirst(emitter: EventEmitter, event: string | symbol, listener: Listener): void {
  emitter.prependListener(event, listener as unknown as () => void);
}

export function off(emitter: EventEmitter, event: string | symbol, listener: Listener): void {
  emitter.removeListener(event, listener as unknown as () => void);
}

/** An error in a subscriber would be an uncaught exception of the process too, only later. */
export function subscribe(channel: string, listener: Guarded<[message: unknown]>): void {
  subscribeTo(channel, listener);
}

export function unsubscribe(channel: string, listener: Guarded<[message: unknown]>): void {
  unsubscribeFrom(channel, listener);
}

/** The error with the place in tutti where it happened. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, MOST_CHARS);
  const place = /^\s*at .*$/m.exec(error.stack ?? '')?.[0].trim();
  const code = (error as NodeJS.ErrnoException).code;
  const message = code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
  return `${message || error.name}${place === undefined ? '' : ` (${place})`}`.slice(0, MOST_CHARS);
}
