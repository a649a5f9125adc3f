// Starts one process under the preload and sees it as the primary does, without anything that decides: what the rigs of single workers
// and of the data plane have in common.

import cluster, { type ClusterSettings, type Worker } from 'node:cluster';
import { join } from 'node:path';
import type { PrimaryDataPlane } from '../../src/host/connections/primary-data-plane.ts';
import { type WorkerObserver, WorkerProcess } from '../../src/host/process/worker-process.ts';
import { BOOT_VARIABLE, type BootInfo, PROTOCOL } from '../../src/protocol/messages.ts';
import { root } from './sandbox.ts';

export const preload = join(root, 'dist/worker/preload.cjs');

export interface Fork {
  id: number;
  entry: string;
  args?: string[];
  nodeArgs?: string[];
  cwd?: string;
  stdio?: ClusterSettings['stdio'];
  env?: NodeJS.ProcessEnv;
  boot?: Partial<BootInfo>;
}

/** What the observer does not say happens as in the primary, or not at all. */
export function forkWorker(
  {
    id,
    entry,
    args = [],
    nodeArgs = [],
    cwd = process.cwd(),
    stdio = ['inherit', 'inherit', 'inherit', 'ipc'],
    env = {},
    boot = {},
  }: Fork,
  plane: PrimaryDataPlane,
  observer: Pick<WorkerObserver, 'input' | 'gone'> & Partial<WorkerObserver>,
): { worker: Worker; process: WorkerProcess } {
  const info: BootInfo = {
    ...{ protocol: PROTOCOL, worker: id, slot: 0, generation: 1, gated: false, ready: 'listening' },
    ...{
      balance: 'kernel',
      transfer: 'idle',
      keepAliveMs: null,
      replay: { mode: 'safe', except: [] },
      heartbeatMs: 200,
    },
    ...{ execArgv: nodeArgs, account: null, logged: false, metricsAsked: false, compileCache: false },
    ...{ scoreboard: null, selfTest: null, instanceVar: 'NODE_APP_INSTANCE', increment: null, orphan: null },
    end: { stopSignal: 'SIGTERM', shutdownMessage: false, drainTimeoutMs: 20_000, stopTimeoutMs: 3000 },
    ...boot,
  };
  const execArgv = [...nodeArgs, '--require', preload];
  cluster.setupPrimary({ exec: entry, args, execArgv, cwd, stdio });
  const worker = cluster.fork({ ...env, [BOOT_VARIABLE]: JSON.stringify(info) });
  const { slot, generation, balance } = info;
  const started = new WorkerProcess(
    worker,
    { id, slot, generation },
    {
      data: (from, message, handle) => plane.message(from, message, handle),
      ...{ output: () => {}, signalled: () => {}, failed: () => {}, metrics: () => {}, ended: () => {} },
      ...{ inspected: () => {}, said: () => {}, outOfMemory: () => false, codeFrame: async () => [] },
      selfTestFailed: (_from, problem) => {
        throw new Error(`The preload's self-test failed: ${problem}.`);
      },
      ...observer,
    },
  );
  plane.joined(started, { balance, account: null });
  return { worker, process: started };
}
