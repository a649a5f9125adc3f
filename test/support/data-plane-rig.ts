// Drives the data plane without the rest of tutti: the test process is the primary and says itself when a worker is admitted,
// drains or is dead.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrimaryDataPlane } from '../../src/host/connections/primary-data-plane.ts';
import type { Balance, Transfer } from '../../src/protocol/balance.ts';
import type { BootInfo } from '../../src/protocol/messages.ts';
import { eventually, within } from './eventually.ts';
import { fixture as fixturePath } from './sandbox.ts';
import { RigWorker } from './worker-rig.ts';

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

export class DataPlaneRig implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'tutti-plane-'));
  readonly plane: PrimaryDataPlane;
  readonly workers = new Map<number, RigWorker>();
  readonly #balance: Balance;
  readonly #gone: Promise<void>[] = [];
  #nextId = 1;

  /** `mostAcceptors`: as many accept, however many processors this machine has. */
  constructor(balance: Balance, mostAcceptors = 4) {
    this.#balance = balance;
    this.plane = new PrimaryDataPlane({ balance, mostAcceptors });
    assert.equal(this.plane.selfTest, null);
  }

  async start(options: StartOptions): Promise<RigWorker> {
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
    const started = new RigWorker(
      {
        ...{ entry: fixturePath(fixture), args, cwd: this.dir, env },
        boot: { slot: id - 1, balance, transfer, replay, gated, scoreboard },
      },
      {
        ...{ id, plane: this.plane },
        gone: () => {
          this.workers.delete(id);
          gone();
        },
      },
    );
    this.workers.set(id, started);
    if (ready) {
      await eventually(`worker ${id} listens`, () => started.listeners);
      this.admit(started);
    }
    return started;
  }

  admit(worker: RigWorker): void {
    worker.process.send({ cmd: 'NODE_TUTTI_ADMIT', slot: worker.id - 1 });
    this.plane.admitted(worker.id);
  }

  drain(worker: RigWorker): void {
    this.plane.draining(worker.id);
    worker.process.send({ cmd: 'NODE_TUTTI_DRAIN', timeoutMs: 20_000, stop: false });
  }

  async kill(worker: RigWorker): Promise<void> {
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
}
