// One worker under the preload, and a primary around it that does only what a test asks for: no policy, no restarts.
// The sockets and the messages are the real ones.

import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { PrimaryDataPlane } from '../../src/host/connections/primary-data-plane.ts';
import { WorkerProcess } from '../../src/host/process/worker-process.ts';
import { BOOT_VARIABLE, type BootInfo, PROTOCOL, type ToWorker } from '../../src/protocol/messages.ts';
import type { RawHandle } from '../../src/protocol/raw-handle.ts';
import type { SupervisorInput } from '../../src/supervisor/vocabulary/inputs.ts';
import { eventually } from './eventually.ts';

export const preload = fileURLToPath(new URL('../../dist/worker/preload.cjs', import.meta.url));

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

export interface WorkerOptions {
  entry: string;
  args?: string[];
  nodeArgs?: string[];
  env?: NodeJS.ProcessEnv;
  boot?: Partial<BootInfo>;
}

type Input<T extends SupervisorInput['type']> = Extract<SupervisorInput, { type: T }>;

const started = new Set<RigWorker>();
let lastId = 0;

/** Ends whatever the tests of this file started; call it after each test. */
export async function endWorkers(): Promise<void> {
  for (const worker of started) worker.kill();
  await Promise.all([...started].map((worker) => worker.input('worker-exit')));
  started.clear();
}

export class RigWorker {
  readonly inputs: SupervisorInput[] = [];
  readonly signals: string[] = [];
  /** Of tutti's own code in the worker. */
  readonly failures: string[] = [];
  stdout = '';
  stderr = '';
  readonly #process: WorkerProcess;
  readonly #plane = new PrimaryDataPlane({ balance: 'kernel' });

  constructor({ entry, args = [], nodeArgs = [], env = {}, boot = {} }: WorkerOptions) {
    const id = ++lastId;
    const info: BootInfo = {
      protocol: PROTOCOL,
      account: null,
      worker: id,
      slot: 0,
      generation: 1,
      balance: 'kernel',
      transfer: 'idle',
      replay: { mode: 'safe', except: [] },
      ready: 'listening',
      gated: false,
      execArgv: nodeArgs,
      logged: true,
      heartbeatMs: 20,
      metricsAsked: false,
      compileCache: false,
      instanceVar: 'NODE_APP_INSTANCE',
      increment: null,
      scoreboard: null,
      selfTest: null,
      end: { stopSignal: 'SIGTERM', shutdownMessage: false, drainTimeoutMs: 20_000, stopTimeoutMs: 3000 },
      ...boot,
    };
    cluster.setupPrimary({
      exec: entry,
      args,
      execArgv: [...nodeArgs, '--require', preload],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const worker = cluster.fork({ PORT: '0', ...env, [BOOT_VARIABLE]: JSON.stringify(info) });
    this.#process = new WorkerProcess(
      worker,
      { id, slot: 0, generation: 1 },
      {
        input: (input) => void this.inputs.push(input),
        data: (from, message, handle) => this.#plane.message(from, message, handle),
        output: (_from, stream, chunk) => {
          this[stream] += chunk.toString();
        },
        signalled: (_from, signal) => void this.signals.push(signal),
        selfTestFailed: (_from, problem) => {
          throw new Error(`The preload's self-test failed: ${problem}.`);
        },
        failed: (_from, what, error) => void this.failures.push(`${what}: ${error}`),
        gone: async () => {
          this.#plane.gone(id);
          this.#plane.close();
        },
        metrics: () => {},
        outOfMemory: () => false,
        ended: () => {},
        inspected: () => {},
        codeFrame: async () => [],
        said: () => {},
      },
    );
    this.#plane.joined(this.#process, { balance: info.balance, account: null });
    if (info.gated === false) this.#plane.admitted(id);
    started.add(this);
  }

  get pid(): number {
    return this.#process.pid;
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
    this.#process.send(message, handle);
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
    this.#process.terminate();
    return this.input('worker-exit');
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  kill(): void {
    if (!this.#process.ended) this.#process.kill();
  }
}
