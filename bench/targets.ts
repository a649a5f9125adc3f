// The contestants: how each is started with n workers of the same unmodified server, and how it is stopped again.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { distinctPids, isOpen, waitUntil } from './client.ts';
import { peersFolder } from './peers.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const SERVER = here('servers/hello.cjs');
const TUTTI = here('../dist/bin.js');

export interface Running {
  port: number;
  /** The root of the process tree whose CPU counts. */
  pid: number;
  /** Milliseconds from the start until `workers` different processes had answered. */
  readyMs: number;
  stop(): Promise<void>;
}

export interface Target {
  name: string;
  /** Why it cannot take part on this machine, if so. */
  missing?: string;
  start(workers: number, options?: StartOptions): Promise<Running>;
}

export interface StartOptions {
  /** More flags for tutti. */
  flags?: readonly string[];
}

let nextPort = 21_000 + (process.pid % 500) * 20;

export function environment(port: number, workers: number, more: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { ...process.env, PORT: String(port), WORKERS: String(workers), SERVER, PEERS: peersFolder, ...more };
}

export async function freePort(): Promise<number> {
  for (;;) {
    nextPort += 1;
    if (!(await isOpen(nextPort))) return nextPort;
  }
}

async function ready(port: number, workers: number, since: number): Promise<number> {
  await waitUntil(
    async () => (await distinctPids(port, workers * 8)) >= workers,
    60_000,
    `${workers} workers on ${port}`,
  );
  return performance.now() - since;
}

async function run(
  command: string[],
  workers: number,
  more: Record<string, string> = {},
  cwd?: string,
): Promise<Running> {
  const port = await freePort();
  const since = performance.now();
  const [file, ...args] = command;
  const started = spawn(file as string, args, {
    env: environment(port, workers, more),
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(cwd && { cwd }),
  });
  let said = '';
  started.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  try {
    const readyMs = await ready(port, workers, since);
    return { port, pid: started.pid as number, readyMs, stop: () => end(started) };
  } catch (error) {
    await end(started);
    throw new Error(said.trim() || String(error), { cause: error });
  }
}

async function end(started: ChildProcess): Promise<void> {
  if (started.exitCode !== null || started.signalCode !== null) return;
  const exited = new Promise((resolve) => started.once('exit', resolve));
  const insist = setTimeout(() => started.kill('SIGKILL'), 8_000);
  started.kill('SIGTERM');
  await exited;
  clearTimeout(insist);
}

const node = process.execPath;

export const bare: Target = { name: 'node server.js', start: () => run([node, SERVER], 1) };

export function tutti(balance: string): Target {
  return {
    name: `tutti ${balance}`,
    start: (workers, { flags = [] } = {}) =>
      run(
        [node, TUTTI, 'run', SERVER, '-i', String(workers), '--balance', balance, '--drain-timeout', '2s', ...flags],
        workers,
        { TUTTI_HOME: scratch },
      ),
  };
}

const scratch = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

const clusterRoundRobin: Target = {
  name: 'node:cluster round-robin',
  start: (workers) => run([node, here('peers/cluster.cjs')], workers),
};

const clusterShared: Target = {
  name: 'node:cluster shared',
  start: (workers) => run([node, here('peers/cluster.cjs')], workers, { POLICY: 'none' }),
};

const throng: Target = { name: 'throng', start: (workers) => run([node, here('peers/throng.cjs')], workers) };

const pm2: Target = {
  name: 'PM2',
  async start(workers) {
    const port = await freePort();
    const home = mkdtempSync(join(tmpdir(), 'tutti-bench-pm2-'));
    const env = environment(port, workers, { PM2_HOME: home });
    const cli = (...args: string[]): void => {
      execFileSync(node, [join(peersFolder, 'node_modules/pm2/bin/pm2'), ...args], { env, stdio: 'ignore' });
    };
    const since = performance.now();
    const stop = async (): Promise<void> => {
      cli('kill');
      rmSync(home, { recursive: true, force: true });
    };
    try {
      cli('start', SERVER, '-i', String(workers), '--name', 'bench');
      const readyMs = await ready(port, workers, since);
      return { port, pid: Number(readFileSync(join(home, 'pm2.pid'), 'utf8')), readyMs, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  },
};

const wattpm: Target = {
  name: 'wattpm',
  ...(Number(process.versions.node.split('.')[0]) < 22 && { missing: 'needs Node 22.19' }),
  // Its workers are threads of one process; /proc counts them with it, and the server answers with threadId instead of pid.
  async start(workers) {
    const folder = mkdtempSync(join(peersFolder, 'watt-'));
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'bench', main: 'server.cjs', scripts: {}, dependencies: { '@platformatic/node': '*' } }),
    );
    writeFileSync(
      join(folder, 'server.cjs'),
      readFileSync(SERVER, 'utf8').replaceAll(
        'String(process.pid)',
        "String(process.pid + '-' + require('node:worker_threads').threadId)",
      ),
    );
    const port = await freePort();
    writeFileSync(
      join(folder, 'watt.json'),
      JSON.stringify({
        $schema: 'https://schemas.platformatic.dev/@platformatic/node/3.67.0.json',
        application: {},
        node: { main: 'server.cjs' },
        runtime: { workers, server: { hostname: '127.0.0.1', port }, logger: { level: 'error' }, metrics: false },
      }),
    );
    const since = performance.now();
    const started = spawn(node, [join(peersFolder, 'node_modules/wattpm/bin/cli.js'), 'start'], {
      cwd: folder,
      env: environment(port, workers),
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const stop = async (): Promise<void> => {
      await end(started);
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      const readyMs = await ready(port, workers, since);
      return { port, pid: started.pid as number, readyMs, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  },
};

export const peers: readonly Target[] = [clusterRoundRobin, clusterShared, pm2, throng, wattpm];
export { clusterRoundRobin, clusterShared, pm2 };
export const tuttiModes: readonly Target[] = ['least-connections', 'kernel', 'round-robin', 'ip-hash'].map(tutti);
