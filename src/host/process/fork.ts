// Starts a worker process through node:cluster (primary). cluster has one set of settings for the whole process, so they are set for each fork
// and restored right after it: two apps in one program, or a program with workers of its own, do not disturb each other. In the worker,
// src/worker/preload.ts runs first.

import type { ChildProcess, StdioOptions } from 'node:child_process';
import cluster, { type ClusterSettings, type Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { BOOT_VARIABLE, type BootInfo } from '../../protocol/messages.ts';
import type { PinnedGeneration } from '../code/generations.ts';

export const preloadPath = fileURLToPath(new URL('../../worker/preload.cjs', import.meta.url));

const heapFlag = '--max-old-space-size=';

export interface ForkRequest {
  generation: PinnedGeneration;
  slot: number | null;
  boot: BootInfo;
  /** `inherit`: output goes where the primary's goes, without passing through it. Sockets are given to the worker as they are. */
  output: 'inherit' | 'pipe' | { stdout: Socket; stderr: Socket };
  /** The port for an inspector, if nodeArgs ask for one. */
  inspectPort: number | undefined;
  /** It may be looked into by an inspector that SIGUSR1 opens: on any free port, at an address that stands on its stderr alone. */
  autopsy: boolean;
  /** The limit of its heap in MiB; null: as Node decides. */
  heapMib: number | null;
}

/** Throws what child_process throws; an error that comes later is emitted by the worker. */
export function forkWorker({ generation, slot, boot, output, inspectPort, autopsy, heapMib }: ForkRequest): Worker {
  const settings = cluster.settings;
  const { account } = generation;
  const { execPath } = process;
  const [stdout, stderr] = typeof output === 'string' ? [output, output] : [output.stdout, output.stderr];
  // An inspector that the operator opens by a signal does not meet those of other workers either.
  const isFree = inspectPort === undefined;
  const more = [
    ...(isFree ? ['--inspect-port=0'] : []),
    ...(autopsy ? ['--inspect-publish-uid=stderr'] : []),
    ...(heapMib === null ? [] : [`${heapFlag}${heapMib}`]),
  ];
  const stdio: StdioOptions = ['inherit', stdout, stderr, 'ipc'];
  try {
    // Every setting is named, because cluster keeps what an earlier call had set.
    cluster.setupPrimary({
      exec: generation.entry,
      args: [...generation.args],
      cwd: generation.cwd,
      // The preload comes before all else that is ours: threads of the application find the end of its own arguments there.
      execArgv: [...generation.nodeArgs, '--require', preloadPath, ...more],
      stdio,
      silent: false,
      serialization: 'json',
      windowsHide: true,
      // With a user of their own libuv takes all other groups away.
      ...({ inspectPort: isFree ? 0 : inspectPort, uid: account?.uid, gid: account?.gid } as object),
    });
    // cluster has no setting for the binary; child_process reads it from here.
    if (generation.node !== null) process.execPath = generation.node;
    return cluster.fork(workerEnvironment(generation, slot, boot));
  } finally {
    process.execPath = execPath;
    // Declared read-only, yet setupPrimary() itself puts a new object here each time.
    (cluster as { settings: ClusterSettings }).settings = settings;
  }
}

/** The limit of its heap that a worker with these arguments was given, in MiB; null: none, or one of the operator's. */
export function heapGiven(args: readonly string[]): number | null {
  const own = args.slice(args.indexOf(preloadPath) + 1);
  const flag = own.find((arg) => arg.startsWith(heapFlag));
  return flag === undefined ? null : Number(flag.slice(heapFlag.length));
}

function workerEnvironment(generation: PinnedGeneration, slot: number | null, boot: BootInfo): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  // cluster adds the primary's environment as it is now; the generation's own was pinned.
  for (const name of Object.keys(process.env)) env[name] = undefined;
  Object.assign(env, generation.env);
  env.TUTTI_APP = generation.name;
  env.TUTTI_GENERATION = String(generation.number);
  if (slot !== null) {
    env.TUTTI_SLOT = String(slot);
    env[generation.instanceVar] = String(slot);
    const { increment } = boot;
    if (increment !== null) env[increment.name] = String(increment.first + slot);
  }
  env[BOOT_VARIABLE] = JSON.stringify({ ...boot, orphan: withEnvironment(boot.orphan, env) } satisfies BootInfo);
  return env;
}

/** A worker that starts another primary has to give it this one's environment. */
function withEnvironment(orders: BootInfo['orphan'], worker: NodeJS.ProcessEnv): BootInfo['orphan'] {
  if (orders === null || orders.revival === null) return orders;
  const env: Record<string, string | null> = {};
  for (const name of new Set([...Object.keys(process.env), ...Object.keys(worker)]))
    if (process.env[name] !== worker[name]) env[name] = process.env[name] ?? null;
  return { ...orders, revival: { ...orders.revival, env } };
}

/** Takes a worker whose process never came to life out of cluster's books, which wait for an exit that cannot come. */
export function forgetStillborn(worker: Worker): void {
  if (cluster.workers !== undefined) delete cluster.workers[worker.id];
  const { stdin, stdout, stderr } = worker.process as ChildProcess;
  for (const stream of [stdin, stdout, stderr]) stream?.destroy();
}
