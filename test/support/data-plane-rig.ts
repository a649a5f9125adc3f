// Drives the data plane without the rest of tutti: the test process is the primary and says itself when a worker is admitted,
// drains or is dead.

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import type { Worker } from 'node:cluster';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrimaryDataPlane } from '../../src/host/connections/primary-data-plane.ts';
import type { WorkerProcess } from '../../src/host/process/worker-process.ts';
import type { Balance, Transfer } from '../../src/protocol/balance.ts';
import type { BootInfo } from '../../src/protocol/messages.ts';
import type { SupervisorInput } from '../../src/supervisor/vocabulary/inputs.ts';
import type { Listener } from '../../src/supervisor/vocabulary/listener.ts';
import { eventually, within } from './eventually.ts';
import { forkWorker } from './fork-worker.ts';
import { fixture as fixturePath } from './sandbox.ts';

export interface StartOptions {
  fixture: string;
  args?: string[];
  env?: Record<string, string>;
  gated?: boolean;
  /** Its generation's. Default: that of the rig. */
  balance?: Balance;
  transfer?: Transfer;
  replay?: BootInfo['replay'];
  /** Wait until it listens, and admit it. Default: true. */
  ready?: boolean;
}

export class TestWorker {
  readonly id: number;
  readonly pid: number;
  readonly process: WorkerProcess;
  readonly child: ChildProcess;
  readonly said: unknown[] = [];
  readonly exited: Promise<unknown>;
  listeners: readonly Listener[] | null = null;
  closed = false;
  drained = false;
  selfTest = 'ok';
  /** What of tutti's own failed in it. */
  readonly failures: string[] = [];

  constructor(process: WorkerProcess, worker: Worker) {
    this.process = process;
    this.id = process.id;
    this.pid = process.pid;
    this.child = worker.process;
    this.child.on('message', (message) => this.said.push(message));
    this.exited = once(this.child, 'exit');
  }

  /** Tells the application something by process.send(). */
  tell(message: object): void {
    this.child.send(message);
  }

  /** The first thing the application said for which `test` is true. */
  async hears<T extends object>(what: string, test: (message: T) => boolean = () => true): Promise<T> {
    return (await eventually(what, () => this.said.find((message) => test(message as T)))) as T;
  }
}

export class DataPlaneRig implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'tutti-plane-'));
  readonly plane: PrimaryDataPlane;
  readonly workers = new Map<number, TestWorker>();
  readonly #balance: Balance;
  readonly #gone: Promise<void>[] = [];
  #nextId = 1;

  /** `mostAcceptors`: as many accept, however many processors this machine has. */
  constructor(balance: Balance, mostAcceptors = 4) {
    this.#balance = balance;
    this.plane = new PrimaryDataPlane({ balance, mostAcceptors });
    assert.equal(this.plane.selfTest, null);
  }

  async start(options: StartOptions): Promise<TestWorker> {
    const { fixture, args = [], env = {}, gated = false, ready = true } = options;
    const { balance = this.#balance, transfer = 'idle', replay = { mode: 'safe', except: [] } } = options;
    const id = this.#nextId++;
    let gone = () => {};
    this.#gone.push(
      new Promise((done) => {
        gone = done;
      }),
    );
    const scoreboard = this.plane.enrol(id, null);
    const forked = forkWorker(
      {
        ...{ id, entry: fixturePath(fixture), args, cwd: this.dir, env },
        boot: { slot: id - 1, balance, transfer, replay, gated, scoreboard },
      },
      this.plane,
      {
        input: (input) => this.#input(id, input),
        selfTestFailed: (_worker, problem) => {
          started.selfTest = problem;
        },
        failed: (_worker, what, error) => started.failures.push(`${what}: ${error}`),
        gone: async () => {
          this.plane.gone(id);
          this.workers.delete(id);
          gone();
        },
      },
    );
    const started = new TestWorker(forked.process, forked.worker);
    this.workers.set(id, started);
    if (ready) {
      await eventually(`worker ${id} listens`, () => started.listeners);
      this.admit(started);
    }
    return started;
  }

  admit(worker: TestWorker): void {
    worker.process.send({ cmd: 'NODE_TUTTI_ADMIT', slot: worker.id - 1 });
    this.plane.admitted(worker.id);
  }

  drain(worker: TestWorker): void {
    this.plane.draining(worker.id);
    worker.process.send({ cmd: 'NODE_TUTTI_DRAIN', timeoutMs: 20_000, stop: false });
  }

  async kill(worker: TestWorker): Promise<void> {
    worker.child.kill('SIGKILL');
    await within(`worker ${worker.id} is gone`, worker.exited);
    await eventually('the primary knows of it', () => !this.workers.has(worker.id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.workers.values()) worker.child.kill('SIGKILL');
    await within('all workers are gone', Promise.all(this.#gone));
    this.plane.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #input(id: number, input: SupervisorInput): void {
    const worker = this.workers.get(id);
    if (worker === undefined) return;
    if (input.type === 'worker-listening') worker.listeners = input.listeners;
    if (input.type === 'worker-closed') worker.closed = true;
    if (input.type === 'worker-drained') worker.drained = true;
    if (input.type === 'worker-heartbeat' || input.type === 'worker-alive') this.plane.heard(id);
  }
}
