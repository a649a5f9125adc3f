// A load generator in a process of its own, so that it does not share a loop with the test, and the one assertion that
// every path which replaces a worker has to pass.

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { within } from './eventually.ts';

export interface LoadOptions {
  port: number;
  host?: string;
  path?: string;
  /** Clients that keep their connection. Half of them send without pause, half think for up to `thinkMs` between requests. */
  keepAlive?: number;
  /** Clients that open a connection for each request. */
  fresh?: number;
  thinkMs?: number;
  freshThinkMs?: number;
  /** A request without an answer for this long counts as hung. */
  timeoutMs?: number;
  /** The process in whose network the clients are; null: in this one's. */
  netOf?: number | null;
  /** Only GET; otherwise every second request is a POST whose body must come back. */
  gets?: boolean;
}

export interface Failure {
  /** An errno name, `closed` (end before the answer), `corrupt`, `hung`, or `status 503`. */
  code: string;
  method: string;
  /** The process that had answered before on this connection. */
  pid: number | null;
  answeredBefore: number;
  /** The client's end of the connection; null if it never came about. */
  clientPort: number | null;
  /** When the request was sent, in ms since the epoch, and for how long it waited. */
  atMs: number;
  afterMs: number;
}

export interface LoadResult {
  ok: number;
  /** Everything that was not answered rightly, hung requests included. */
  failures: Failure[];
  hung: number;
  connections: number;
  byPid: Record<string, number>;
  byVersion: Record<string, number>;
  /** The slowest right answer. */
  maxMs: number;
  durationMs: number;
}

type FromLoad = { type: 'progress'; ok: number; failed: number } | { type: 'result'; result: LoadResult };

export class Load implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #result: Promise<LoadResult>;
  readonly #waiting = new Set<() => void>();
  ok = 0;
  failed = 0;

  constructor(options: LoadOptions) {
    const all: Required<LoadOptions> = {
      host: '127.0.0.1',
      path: '/',
      keepAlive: 50,
      fresh: 10,
      thinkMs: 20,
      freshThinkMs: 4,
      timeoutMs: 20_000,
      gets: false,
      netOf: null,
      ...options,
    };
    const elsewhere = all.netOf === null ? null : ['--target', String(all.netOf), '--net', process.execPath];
    this.#process = fork(fileURLToPath(new URL('load-main.ts', import.meta.url)), [JSON.stringify(all)], {
      execPath: elsewhere === null ? process.execPath : 'nsenter',
      execArgv: [...(elsewhere ?? []), '--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#result = new Promise((resolve, reject) => {
      this.#process.on('message', (message: FromLoad) => {
        if (message.type === 'result') return resolve(message.result);
        this.ok = message.ok;
        this.failed = message.failed;
        for (const wake of this.#waiting) wake();
      });
      this.#process.on('exit', (code, signal) =>
        reject(new Error(`The load generator ended early (${code ?? signal}).`)),
      );
    });
    this.#result.catch(() => {});
  }

  /** Resolves once this many requests have been answered rightly since the start. */
  reached(count: number, deadlineMs = 120_000): Promise<void> {
    return within(
      `${count} requests answered`,
      this.#until(() => this.ok >= count),
      deadlineMs,
    );
  }

  /** Resolves once this many more requests have been answered rightly from now on. */
  more(count: number, deadlineMs?: number): Promise<void> {
    return this.reached(this.ok + count, deadlineMs);
  }

  /** Sends nothing new, waits for what is under way, and returns the counts. */
  async stop(): Promise<LoadResult> {
    this.#process.send('stop');
    return within('the load generator to finish', this.#result, 60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await gone;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await Promise.race([
        new Promise<void>((resolve) => {
          const wake = () => {
            this.#waiting.delete(wake);
            resolve();
          };
          this.#waiting.add(wake);
        }),
        // Only ends early by failing.
        this.#result,
      ]);
    }
  }
}

/** Starts the load and returns when the first answers have come. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const load = new Load(options);
  await load.reached(1);
  return load;
}

/** No request failed, none hung, and the load was not a trickle. */
export function assertNothingLost(result: LoadResult, atLeast = 1): void {
  assert.deepEqual(summary(result), {}, `requests were lost: ${describe(result)}`);
  assert.equal(result.hung, 0);
  assert.ok(
    result.ok >= atLeast,
    `only ${result.ok} requests were made, ${atLeast} are needed for this test to say something`,
  );
}

/** How many requests failed in which way. */
export function summary(result: LoadResult): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of result.failures) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

function describe(result: LoadResult): string {
  return `${result.failures.length} of ${result.ok + result.failures.length}; the first: ${JSON.stringify(result.failures.slice(0, 5))}`;
}
