// Tells the primary why this worker dies, while it still can. Exit codes and messages stay Node's. Runs in the worker; the primary makes an
// explanation of it in src/host/process/exit-explanation.ts.

import { post } from '../channel.ts';
import { isEndingItself, noteSign } from '../drain/own-end.ts';
import { attempt, type Guarded, guarded, on } from '../guard.ts';
import { process } from '../own-process.ts';
import { requestsInFlight } from './requests.ts';
import type { SameFailure } from './same-failure.ts';

const LINES = 20;
const REQUESTS = 50;
const MAX_CHARS = 8192;

/**
 * The returned function sends what is known so far, for a worker that is told to end before it was ready, or that ends itself by
 * `ownSignal`.
 */
export function rememberLastWords(same: SameFailure): Guarded<[ownSignal?: string]> {
  const stderr = new Tail();
  let error: string | undefined;
  let isDying = false;
  const what = 'the last words';
  const tell = guarded(what, (ownSignal?: string) => {
    const requests = requestsInFlight().slice(0, REQUESTS);
    const waits = error !== undefined && isDying && same.isToWait(error);
    post({
      cmd: 'NODE_TUTTI_LAST_WORDS',
      stderr: stderr.lines(),
      requests,
      // An error that the application survived is not the reason for its end.
      ...(error === undefined || !isEndingItself() ? {} : { error }),
      ...(ownSignal === undefined ? {} : { ownSignal }),
      ...(waits && { waits }),
    });
    if (waits) same.wait();
  });

  watchStderr(stderr);
  const uncaught = guarded(what, (reason: unknown) => {
    error = stackOf(reason);
    noteSign();
    // An application that catches the error itself lives on.
    isDying = process.listenerCount('uncaughtException') === 0 && !process.hasUncaughtExceptionCaptureCallback();
    if (isDying) tell();
    isDying = false;
  });
  const exits = guarded(what, (code: number) => {
    if (code !== 0) tell();
  });
  on(process, 'uncaughtExceptionMonitor', uncaught);
  on(process, 'exit', exits);
  return tell;
}

/** process.stderr is created at its first use. Until then only its getter is watched. */
function watchStderr(tail: Tail): void {
  const property = Object.getOwnPropertyDescriptor(process, 'stderr');
  const get = property?.get;
  if (property?.configurable !== true || get === undefined) return;
  let watched: object | null = null;
  Object.defineProperty(process, 'stderr', {
    ...property,
    get() {
      const stream = get.call(process) as NodeJS.WriteStream;
      if (stream !== watched) {
        watched = stream;
        attempt('watching stderr', () => watchWrites(stream, tail), undefined);
      }
      return stream;
    },
  });
}

function watchWrites(stream: NodeJS.WriteStream, tail: Tail): void {
  const inner = stream.write as (this: unknown, ...args: unknown[]) => boolean;
  stream.write = function write(this: unknown, ...args: unknown[]): boolean {
    attempt('watching stderr', () => tail.add(args[0]), undefined);
    return inner.apply(this, args);
  } as typeof stream.write;
}

/** The end of a text that arrives in pieces. It is split into lines only on demand. */
class Tail {
  #text = '';

  add(chunk: unknown): void {
    if (typeof chunk === 'string') this.#text += chunk.length > MAX_CHARS ? chunk.slice(-MAX_CHARS) : chunk;
    else if (chunk instanceof Uint8Array) this.#text += Buffer.from(chunk.subarray(-MAX_CHARS)).toString();
    // Twice the size, so that it is cut once per MAX_CHARS, not at every write.
    if (this.#text.length > 2 * MAX_CHARS) this.#text = this.#text.slice(-MAX_CHARS);
  }

  lines(): string[] {
    const lines = this.#text.slice(-MAX_CHARS).split('\n');
    if (lines.at(-1) === '') lines.pop();
    return lines.slice(-LINES);
  }
}

function stackOf(reason: unknown): string {
  let text: string;
  try {
    text = reason instanceof Error ? (reason.stack ?? String(reason)) : `Uncaught ${String(reason)}`;
  } catch {
    text = 'an error that cannot be turned into text';
  }
  return text.slice(0, MAX_CHARS);
}
