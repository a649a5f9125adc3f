// A worker under the preload as the primary sees it, and around it only what a test asks for: no policy, no restarts. The sockets and the
// messages are the real ones. By itself it has a data plane of its own; several that share one are in data-plane-rig.ts.

import type { ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { join } from 'node:path';
import { PrimaryDataPlane } from '../../src/host/connections/primary-data-plane.ts';
import { type WorkerObserver, WorkerProcess } from '../../src/host/process/worker-process.ts';
import { BOOT_VARIABLE, type BootInfo, PROTOCOL, type ToWorker } from '../../src/protocol/messages.ts';
import type { RawHandle } from '../../src/protocol/raw-handle.ts';
import type { SupervisorInput } from '../../src/supervisor/vocabulary/inputs.ts';
import type { Listener } from '../../src/supervisor/vocabulary/listener.ts';
import { eventually } from './eventually.ts';
import { root } from './sandbox.ts';

export { fixture } from './sandbox.ts';

export const preload = join(root, 'dist/worker/preload.cjs');

export interface WorkerOptions {
  entry: string;
  args?: string[];
  nodeArgs?: string[];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  boot?: Partial<BootInfo>;
}

/** The data plane that it shares with others. */
export interface Shared {
  id: number;
  plane: PrimaryDataPlane;
  gone: () => void;
}

type Input<T extends SupervisorInput['type']> = Extract<SupervisorInput, { type: T }>;

const started = new Set<RigWorker>();
let lastId = 0;

/** Ends the workers that share no data plane, and that the tests of this file started; call it after each test. */
export async function endWorkers(): Promise<void> {
  for (const worker of started) worker.kill();
  await Promise.all([...started].map((worker) => worker.input('worker-exit')));
  started.clear();
}

export class RigWorker {
  readonly id: number;
  readonly child: ChildProcess;
  readonly process: WorkerProcess;
  readonly exited: Promise<unknown>;
  readonly inputs: SupervisorInput[] = [];
  readonly signals: string[] = [];
  /** Of tutti's own code in the worker. */
  readonly failures: string[] = [];
  /** By process.send(). */
  readonly said: unknown[] = [];
  selfTest = 'ok';
  /** Of one by itself; others write to the output of the tests. */
  stdout = '';
  stderr = '';

  constructor(options: WorkerOptions, shared?: Shared) {
    const { entry, args = [], nodeArgs = [], cwd = process.cwd(), env = {} } = options;
    const plane = shared?.plane ?? new PrimaryDataPlane({ balance: 'kernel' });
    this.id = shared?.id ?? ++lastId;
    const own = shared === undefined;
    const boot = bootInfo(this.id, nodeArgs, { ...(own ? { logged: true, heartbeatMs: 20 } : {}), ...options.boot });
    const output = own ? 'pipe' : 'inherit';
    const input = own ? 'ignore' : 'inherit';
    const execArgv = [...nodeArgs, '--require', preload];
    cluster.setupPrimary({ exec: entry, args, execArgv, cwd, stdio: [input, output, output, 'ipc'] });
    const worker = cluster.fork({ ...(own ? { PORT: '0' } : {}), ...env, [BOOT_VARIABLE]: JSON.stringify(boot) });
    this.child = worker.process;
    this.child.on('message', (message) => this.said.push(message));
    this.exited = once(this.child, 'exit');
    const { slot, generation, balance } = boot;
    this.process = new WorkerProcess(worker, { id: this.id, slot, generation }, this.#observer(plane, shared));
    plane.joined(this.process, { balance, account: null });
    if (!own) return;
    if (!boot.gated) plane.admitted(this.id);
    started.add(this);
  }

  get pid(): number {
    return this.process.pid;
  }

  /** What it listens on; null before its first word of that. */
  get listeners(): readonly Listener[] | null {
    const isTold = (each: SupervisorInput): each is Input<'worker-listening'> => each.type === 'worker-listening';
    return this.inputs.findLast(isTold)?.listeners ?? null;
  }

  get drained(): boolean {
    return this.has('worker-drained');
  }

  /** Tells the application something by process.send(). */
  tell(message: object): void {
    this.child.send(message);
  }

  /** The first thing the application said for which `test` is true. */
  async hears<T extends object>(what: string, test: (message: T) => boolean = () => true): Promise<T> {
    return (await eventually(what, () => this.said.find((message) => test(message as T)))) as T;
  }

  /** The first input of that type, as soon as there is one. */
  async input<T extends SupervisorInput['type']>(type: T): Promise<Input<T>> {
    return eventually(`input ${type} of ${this.pid}, which said: ${this.stderr}`, () =>
      this.inputs.find((each): each is Input<T> => each.type === type),
    );
  }

  has(type: SupervisorInput['type']): boolean {
    return this.inputs.some((each) => each.type === type);
  }

  /** Waits until it listens; answers the port of its n-th listener. */
  async port(n = 0): Promise<number> {
    const { listeners } = await this.input('worker-listening');
    return listeners[n]?.port ?? Number.NaN;
  }

  send(message: ToWorker, handle?: RawHandle): void {
    this.process.send(message, handle);
  }

  get beats(): Input<'worker-heartbeat'>['beat'][] {
    return this.inputs.filter((each) => each.type === 'worker-heartbeat').map(({ beat }) => beat);
  }

  /** Waits until the worker has read everything that was sent to it: between two of its heartbeats lies a whole turn of its loop. */
  async hasRead(): Promise<void> {
    const from = this.beats.length;
    await eventually(
      `three heartbeats of ${this.pid}`,
      () => this.beats.length >= from + 3 || this.has('worker-drained') || this.has('worker-exit'),
    );
  }

  async requestsInFlight(count: number): Promise<void> {
    // Any beat from now on, not the latest: on a loaded machine several come at once, and the answers with them.
    const from = Math.max(0, this.beats.length - 1);
    await eventually(`${count} requests in flight`, () =>
      this.beats.slice(from).some(({ activeRequests }) => activeRequests === count),
    );
  }

  /** Steps 1–4; answers what was left open. */
  async drain(timeoutMs = 20_000, stop = false): Promise<readonly string[]> {
    await this.beginDrain(timeoutMs, stop);
    return (await this.input('worker-drained')).left;
  }

  async beginDrain(timeoutMs = 20_000, stop = false): Promise<void> {
    this.send({ cmd: 'NODE_TUTTI_DRAIN', timeoutMs, stop });
    await this.hasRead();
  }

  async terminate(): Promise<Input<'worker-exit'>> {
    this.process.terminate();
    return this.input('worker-exit');
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  kill(): void {
    if (!this.process.ended) this.process.kill();
  }

  /** What it does not say happens as in the primary, or not at all. */
  #observer(plane: PrimaryDataPlane, shared: Shared | undefined): WorkerObserver {
    return {
      ...{ metrics: () => {}, ended: () => {}, inspected: () => {}, said: () => {} },
      ...{ outOfMemory: () => false, codeFrame: async () => [] },
      data: (from, message, handle) => plane.message(from, message, handle),
      input: (input) => {
        this.inputs.push(input);
        if (input.type === 'worker-heartbeat' || input.type === 'worker-alive') plane.heard(this.id);
      },
      output: (_from, stream, chunk) => {
        this[stream] += chunk.toString();
      },
      signalled: (_from, signal) => void this.signals.push(signal),
      selfTestFailed: (_from, problem) => {
        this.selfTest = problem;
        if (shared === undefined) throw new Error(`The preload's self-test failed: ${problem}.`);
      },
      failed: (_from, what, error) => void this.failures.push(`${what}: ${error}`),
      gone: async () => {
        plane.gone(this.id);
        if (shared === undefined) plane.close();
        else shared.gone();
      },
    };
  }
}

function bootInfo(worker: number, execArgv: string[], boot: Partial<BootInfo>): BootInfo {
  return {
    ...{ protocol: PROTOCOL, worker, slot: 0, generation: 1, gated: false, ready: 'listening' },
    ...{ balance: 'kernel', transfer: 'idle', replay: { mode: 'safe', except: [] } },
    ...{ keepAliveMs: null, heartbeatMs: 200 },
    ...{ execArgv, account: null, logged: false, metricsAsked: false, compileCache: false },
    ...{ scoreboard: null, selfTest: null, instanceVar: 'NODE_APP_INSTANCE', increment: null, orphan: null },
    end: { stopSignal: 'SIGTERM', shutdownMessage: false, drainTimeoutMs: 20_000, stopTimeoutMs: 3000 },
    ...boot,
  };
}
