// Serves invocations: waits for the next, hands it to the application as a request, and tells Lambda what came of it. As many side by side
// as the environment grants. Runs in the primary.

import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, TuttiError } from '../../errors.ts';
import type { Address } from '../translate/address.ts';
import { patienceMs } from '../translate/limits.ts';
import { type HttpRequest, requestOf, type TranslationOptions } from '../translate/request.ts';
import { eventResult, MOST_RESULT_BYTES, preludeOf, resultOf } from '../translate/result.ts';
import { type AppResponse, askApp } from './app-request.ts';
import type { Failure, Invocation, RuntimeApi } from './runtime-api.ts';

/** What is asked of the application that is served. */
export interface ServedApp {
  /** Kept when it can take requests for the first time; rejects if it never will. */
  readonly ready: Promise<void>;
  /** Where it listens now. */
  addresses(): readonly Address[];
  /** After a failure: kept when it can take requests again, or after this time. */
  recover(isTimeout: boolean, withinMs: number): Promise<void>;
  /** For the log. */
  tell(message: string): void;
}

export interface InvocationsOptions {
  concurrency: number;
  mode: 'buffered' | 'response-stream';
  translation: TranslationOptions;
}

/** The Runtime API may be busy for a moment; who asks it in vain this often in a row is alone. */
const MOST_VAIN_CALLS = 5;
const AGAIN_AFTER_MS = 100;

export class Invocations {
  readonly #api: RuntimeApi;
  readonly #app: ServedApp;
  readonly #options: InvocationsOptions;
  readonly #stopping = new AbortController();

  constructor(api: RuntimeApi, app: ServedApp, options: InvocationsOptions) {
    this.#api = api;
    this.#app = app;
    this.#options = options;
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Kept after `stop()`, when the invocations that had come are answered. Rejects when the Runtime API is gone. */
  async serve(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: this.#options.concurrency }, () => this.#poll()));
    } finally {
      this.stop();
    }
  }

  /** Takes no more. */
  stop(): void {
    this.#stopping.abort();
  }

  async #poll(): Promise<void> {
    for (;;) {
      const invocation = await this.#next();
      if (invocation === null) return;
      await this.#answer(invocation);
    }
  }

  async #next(): Promise<Invocation | null> {
    const { signal } = this.#stopping;
    for (let vain = 1; ; vain += 1) {
      try {
        if (signal.aborted) return null;
        return await this.#api.next(signal);
      } catch (error) {
        if (signal.aborted) return null;
        if (error instanceof TuttiError || vain === MOST_VAIN_CALLS) throw asTuttiError(error);
        await delay(AGAIN_AFTER_MS);
      }
    }
  }

  async #answer(invocation: Invocation): Promise<void> {
    const { requestId, deadlineMs } = invocation;
    const late = new AbortController();
    const patience = patienceMs(deadlineMs, Date.now());
    const giveUp = () => late.abort(new TuttiError('ERR_LAMBDA_TIMEOUT', { afterMs: patience ?? 0 }));
    const timer = patience === null ? undefined : setTimeout(giveUp, patience);
    let fail = (failure: Failure): Promise<void> => this.#api.fail(requestId, failure);
    try {
      await before(this.#app.ready, late.signal);
      const request = requestOf(invocation.event, invocation, this.#options.translation);
      const response = await askApp(this.#app.addresses(), request, late.signal);
      if (request.streams && this.#options.mode === 'response-stream') {
        const stream = this.#api.stream(requestId);
        fail = (failure) => stream.end(failure);
        // A client that reads slowly may hold it up.
        await before(stream.write(preludeOf(request.kind, response.head, request.method)), late.signal);
        for await (const chunk of response.body) await before(stream.write(chunk), late.signal);
        await stream.end();
      } else {
        await this.#api.respond(requestId, await this.#wholeResult(request, response));
      }
    } catch (error) {
      this.#app.tell(`request ${requestId}: ${textOf(error)}`);
      await fail(failureOf(error)).catch((second: unknown) =>
        this.#app.tell(`request ${requestId}: its failure could not be told to Lambda: ${textOf(second)}`),
      );
      const isTimeout = error instanceof TuttiError && error.code === 'ERR_LAMBDA_TIMEOUT';
      await this.#app.recover(isTimeout, patienceMs(deadlineMs, Date.now()) ?? 0);
    } finally {
      clearTimeout(timer);
    }
  }

  async #wholeResult({ kind, method, target }: HttpRequest, { head, body }: AppResponse): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MOST_RESULT_BYTES)
        throw new TuttiError('ERR_LAMBDA_TOO_LARGE', { bytes: null, most: MOST_RESULT_BYTES });
      chunks.push(chunk);
    }
    const whole = Buffer.concat(chunks);
    if (kind === 'other' && (head.status < 200 || head.status > 299)) {
      throw new TuttiError('ERR_LAMBDA_EVENT', { status: head.status, path: target });
    }
    const json = kind === 'other' ? eventResult(whole) : resultOf(kind, head, whole, method);
    const size = Buffer.byteLength(json);
    if (size > MOST_RESULT_BYTES)
      throw new TuttiError('ERR_LAMBDA_TOO_LARGE', { bytes: size, most: MOST_RESULT_BYTES });
    return json;
  }
}

/** What Lambda, and through its log the operator, is told of an error. */
export function failureOf(error: unknown): Failure {
  const errorType = error instanceof TuttiError ? error.code : 'ERR_INTERNAL';
  return { errorType, errorMessage: textOf(error), stackTrace: [] };
}

function textOf(error: unknown): string {
  if (error instanceof TuttiError) return `${error.message} ${error.remedy}`;
  return messageOf(error);
}

function asTuttiError(error: unknown): TuttiError {
  if (error instanceof TuttiError) return error;
  return new TuttiError('ERR_LAMBDA_API', { reason: `the Runtime API cannot be reached (${textOf(error)})` });
}

/** `promise`, or the reason of `signal` if that comes first. */
function before(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const abort = () => fail(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(done, fail).finally(() => signal.removeEventListener('abort', abort));
  });
}
