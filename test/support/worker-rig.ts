// One worker under the preload, and a primary around it that does only what a test asks for: no policy, no restarts.
// The sockets and the messages are the real ones.

import { PrimaryDataPlane } from '../../src/host/connections/primary-data-plane.ts';
import type { WorkerProcess } from '../../src/host/process/worker-process.ts';
import type { BootInfo, ToWorker } from '../../src/protocol/messages.ts';
import type { RawHandle } from '../../src/protocol/raw-handle.ts';
import type { SupervisorInput } from '../../src/supervisor/vocabulary/inputs.ts';
import { eventually } from './eventually.ts';
import { forkWorker } from './fork-worker.ts';

export { preload } from './fork-worker.ts';
export { fixture } from './sandbox.ts';

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

  constructor({ boot, ...options }: WorkerOptions) {
    const id = ++lastId;
    const { process } = forkWorker(
      {
        ...{ ...options, id, env: { PORT: '0', ...options.env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
        boot: { logged: true, heartbeatMs: 20, ...boot },
      },
      this.#plane,
      {
        input: (input) => void this.inputs.push(input),
        output: (_from, stream, chunk) => {
          this[stream] += chunk.toString();
        },
        signalled: (_from, signal) => void this.signals.push(signal),
        failed: (_from, what, error) => void this.failures.push(`${what}: ${error}`),
        gone: async () => {
          this.#plane.gone(id);
          this.#plane.close();
        },
      },
    );
    this.#process = process;
    if (boot?.gated !== true) this.#plane.admitted(id);
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
