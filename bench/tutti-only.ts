// What only tutti can be asked: how a reload, a spare and many workers behave, and what the primary costs.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ask, Client, spread, waitUntil } from './client.ts';
import type { Scale } from './measures.ts';
import { cpuSeconds, privateBytes, processTree } from './process-tree.ts';
import { median } from './statistics.ts';
import { clusterShared, environment, freePort } from './targets.ts';

export interface OwnResult {
  what: string;
  measured: string;
  must: string;
}

interface Line {
  at: string;
  type: string;
  slot?: number | null;
  pid?: number;
  generation?: number;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

class App {
  /** Those that nobody has stopped yet. */
  static readonly running = new Set<App>();
  readonly port: number;
  readonly events: Line[] = [];
  readonly #process: ChildProcess;
  readonly home: string;

  private constructor(port: number, process: ChildProcess, home: string) {
    this.port = port;
    this.#process = process;
    this.home = home;
    createInterface({ input: process.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      if (line.startsWith('{')) this.events.push(JSON.parse(line));
    });
  }

  static async start(workers: number, flags: readonly string[] = []): Promise<App> {
    const port = await freePort();
    const home = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
    const command = [
      here('../dist/bin.js'),
      'run',
      here('servers/hello.cjs'),
      '--json',
      '-i',
      String(workers),
      ...flags,
    ];
    const started = spawn(process.execPath, command, {
      env: environment(port, workers, { TUTTI_HOME: home }),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // no terminal: SIGHUP is a reload
    });
    const app = new App(port, started, home);
    App.running.add(app);
    await app.until(() => app.count('worker-ready') >= workers, `${workers} workers`);
    return app;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  count(type: string): number {
    return this.events.filter((event) => event.type === type).length;
  }

  until(done: () => boolean, what: string): Promise<void> {
    return waitUntil(async () => done(), 120_000, what);
  }

  async stop(): Promise<void> {
    App.running.delete(this);
    const exited = new Promise((resolve) => this.#process.once('exit', resolve));
    this.signal('SIGQUIT');
    await exited;
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Keep-alive clients that ask again and again, each in its own time; a connection that the server closes is opened anew. */
class Crowd {
  readonly #port: number;
  readonly #loops: Promise<void>[];
  #stopping = false;
  answered = 0;
  /** Requests without an answer. */
  lost = 0;
  /** Connections that the server closed, as it had said it would. */
  renewed = 0;

  constructor(port: number, clients: number) {
    this.#port = port;
    this.#loops = Array.from({ length: clients }, () => this.#loop());
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
  }

  async #loop(): Promise<void> {
    let client = new Client(this.#port);
    while (!this.#stopping) {
      if ((await client.get()) !== null) this.answered += 1;
      else this.lost += 1;
      if (client.closing || client.socket.destroyed) {
        client.close();
        client = new Client(this.#port);
        this.renewed += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 4));
    }
    client.close();
  }
}

export async function ownMeasures(scale: Scale): Promise<OwnResult[]> {
  const results: OwnResult[] = [];
  const all = [reload, spare, memory, idle, command];
  const measures = scale.quick ? all : [...all, many];
  for (const measure of measures) {
    process.stderr.write(`tutti alone: ${measure.name} … `);
    try {
      const rows = await measure(scale);
      results.push(...rows);
      process.stderr.write(`${rows.map((row) => row.measured).join('; ')}\n`);
    } catch (error) {
      process.stderr.write(`failed: ${error}\n`);
      results.push({ what: measure.name, measured: String(error), must: '' });
      await Promise.all([...App.running].map((app) => app.stop()));
    }
  }
  return results;
}

async function reload({ rounds }: Scale): Promise<OwnResult[]> {
  const app = await App.start(2, ['--canary-time', '0']);
  const crowd = new Crowd(app.port, 64);
  const gaps: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    app.signal('SIGHUP');
    await app.until(() => app.count('reload-done') === round, 'the reload');
    for (const exit of app.events.filter((event) => event.type === 'worker-exit' && event.generation === round)) {
      const replacement = app.events.find(
        (event) => event.type === 'worker-ready' && event.slot === exit.slot && event.generation === round + 1,
      );
      gaps.push(Date.parse(exit.at) - Date.parse(replacement?.at as string));
    }
  }
  await crowd.stop();
  await app.stop();
  return [
    {
      what: 'reload of 2 workers, 64 busy keep-alive connections: the old worker is gone after its replacement is ready',
      measured: `median ${(median(gaps) / 1000).toFixed(2)} s, at most ${(Math.max(...gaps) / 1000).toFixed(2)} s; ${crowd.lost} resets and ${crowd.renewed} connections closed in ${crowd.answered} requests and ${rounds} reloads`,
      must: '≤ 0.5 s, 0 resets',
    },
  ];
}

async function spare({ rounds }: Scale): Promise<OwnResult[]> {
  const app = await App.start(2, ['--spares', '1']);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // the spare has to be there first; it shows as a process that has not become ready
    await app.until(() => app.count('worker-spare') > round, 'a spare');
    const ready = app.events.filter((event) => event.type === 'worker-ready');
    const victim = ready.at(-1)?.pid as number;
    const since = Date.now();
    process.kill(victim, 'SIGKILL');
    await app.until(() => app.count('worker-ready') > ready.length, 'the promotion');
    times.push(Date.parse(app.events.filter((event) => event.type === 'worker-ready').at(-1)?.at as string) - since);
  }
  await app.stop();
  return [
    {
      what: 'crash of a worker with 1 spare: time to full strength',
      measured: `median ${median(times)} ms, at most ${Math.max(...times)} ms`,
      must: '≤ 20 ms',
    },
  ];
}

async function memory(): Promise<OwnResult[]> {
  const settled = async (app: App): Promise<number> => {
    for (let i = 0; i < 200; i++) await ask(app.port);
    await new Promise((resolve) => setTimeout(resolve, 3000)); // garbage is collected, pages are given back
    return privateBytes(app.pid);
  };
  const plain = await App.start(2);
  const primary = await settled(plain);
  const worker = privateBytes(processTree(plain.pid).at(-1) as number);
  await plain.stop();
  const withAdmin = await App.start(2, ['--admin', String(await freePort())]);
  const primaryWithAdmin = await settled(withAdmin);
  await withAdmin.stop();
  const other = await clusterShared.start(2);
  for (let i = 0; i < 200; i++) await ask(other.port);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const bareWorker = privateBytes(processTree(other.pid).at(-1) as number);
  await other.stop();
  return [
    { what: "the primary's private memory, plain", measured: megabytes(primary), must: '≤ 20 MB' },
    { what: "the primary's private memory with --admin", measured: megabytes(primaryWithAdmin), must: '≤ 32 MB' },
    {
      what: "added to a worker by the preload, against node:cluster's",
      measured: megabytes(worker - bareWorker),
      must: '≤ 3 MB',
    },
  ];
}

async function idle({ quick }: Scale): Promise<OwnResult[]> {
  const app = await App.start(8);
  // V8 tidies up for some seconds after a start.
  await new Promise((resolve) => setTimeout(resolve, quick ? 2000 : 20_000));
  const watchMs = quick ? 10_000 : 40_000;
  const before = cpuSeconds(app.pid);
  await new Promise((resolve) => setTimeout(resolve, watchMs));
  const share = (cpuSeconds(app.pid) - before) / (watchMs / 1000);
  await app.stop();
  return [
    {
      what: 'idle CPU of the primary and 8 workers',
      measured: `${(share * 100).toFixed(2)} % of a core`,
      must: '≤ 0.3 %',
    },
  ];
}

/** How long a command takes beyond starting node at all. */
async function command({ rounds }: Scale): Promise<OwnResult[]> {
  const app = await App.start(2);
  const time = (args: string[]): number => {
    const since = performance.now();
    execFileSync(process.execPath, args, { env: { ...process.env, TUTTI_HOME: app.home }, stdio: 'ignore' });
    return performance.now() - since;
  };
  const beyond: number[] = [];
  for (let round = 0; round < rounds * 4; round++) {
    beyond.push(time([here('../dist/bin.js'), 'status', '--json']) - time(['-e', '0']));
  }
  await app.stop();
  return [
    {
      what: 'tutti status, beyond `node -e 0`',
      measured: `median ${median(beyond).toFixed(0)} ms`,
      must: '≤ 120 ms',
    },
  ];
}

async function many(): Promise<OwnResult[]> {
  const since = performance.now();
  const app = await App.start(64, ['--canary-time', '0']);
  const readyMs = performance.now() - since;
  const evenness = await spread(app.port, 2000, 64, 'burst');
  const crowd = new Crowd(app.port, 64);
  app.signal('SIGHUP');
  await app.until(() => app.count('reload-done') === 1, 'the reload');
  app.signal('SIGTTIN');
  await app.until(() => app.count('scaled') === 1, 'the scale');
  await crowd.stop();
  await app.stop();
  return [
    { what: '64 workers: all ready', measured: `${(readyMs / 1000).toFixed(1)} s`, must: 'works' },
    { what: '64 workers: 2,000 connections, max ÷ mean', measured: evenness.toFixed(2), must: '≤ 1.15' },
    {
      what: '64 workers: a reload and a scale under load',
      measured: `${crowd.lost} of ${crowd.answered} lost`,
      must: '0 lost',
    },
  ];
}
