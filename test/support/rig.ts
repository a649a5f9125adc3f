// A rig starts tutti as a user would – the built command line, real processes, a port and a folder of its own – and proves
// at its end that nothing is left: no process, socket, file or open port.
//
//   await using rig = await startRig({ fixture: 'hello.cjs', flags: { workers: 2 } });

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { EventLog, type RigEvent } from './event-log.ts';
import { eventually, within } from './eventually.ts';
import { type Answer, type Ask, fetch } from './fetch.ts';
import { freePort } from './free-port.ts';
import { isAlive } from './processes.ts';
import { binPath, fixture, nodePath, root, Sandbox } from './sandbox.ts';

export { binPath, nodePath, root } from './sandbox.ts';

export type Flags = Record<string, string | number | boolean | readonly string[]>;

export interface RigOptions {
  /** A file in test/fixtures, or an absolute path. */
  fixture: string;
  /** Options by their long flag: { workers: 2, 'drain-timeout': '5s' }. */
  flags?: Flags;
  /** What follows `--`. */
  args?: readonly string[];
  env?: Record<string, string>;
  /** The port that the fixture is told (PORT); a free one by default. */
  port?: number;
  /** Through test/support/library-primary.mjs, a program that calls supervise(); for what has no signal. */
  library?: boolean;
  /** Arguments of node instead of all that: a program that is no `tutti run`. */
  command?: readonly string[];
  /** Wait until this many workers are ready (default: the `workers` flag, 2). 0: return at once. */
  ready?: number;
  /** Without --json: what the terminal would show. */
  plain?: boolean;
  /** Folder to run in; the rig's own by default. */
  cwd?: string;
}

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Ctrl-C on the tests does not reach what lives in another session. */
const living = new Set<number>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const pid of living) process.kill(-pid, 'SIGKILL');
    process.kill(process.pid, signal);
  });
}

export class Rig implements AsyncDisposable {
  /** A folder for the test's own files; removed at the end. */
  readonly dir: string;
  readonly port: number;
  readonly events = new EventLog();
  readonly exited: Promise<Ending>;
  readonly primary: ChildProcess;
  readonly #sandbox = new Sandbox();
  readonly #closed: Promise<void>;
  readonly #before = inMemory();
  #ending: Ending | null = null;
  #commands = 0;
  stdout = '';
  stderr = '';

  constructor(options: RigOptions, port: number) {
    this.dir = this.#sandbox.dir;
    this.port = port;
    const entry = fixture(options.fixture);
    const library = options.library ?? false;
    const flags: Flags = { workers: 2, 'canary-time': 0, ...options.flags };
    if (!options.plain && !library) flags.json = true;
    const ours = library
      ? [
          // A young generation of fixed size: V8 lets it grow to 32 MB under load, which would hide what really grows.
          '--expose-gc',
          '--max-semi-space-size=1',
          join(root, 'test/support/library-primary.mjs'),
          JSON.stringify({ entry, ...camelCased(flags), args: options.args ?? [] }),
        ]
      : [binPath, 'run', entry, ...flagList(flags), ...(options.args ? ['--', ...options.args] : [])];
    this.primary = spawn(nodePath, options.command ?? ours, {
      cwd: options.cwd ?? this.dir,
      env: this.environment({ PORT: String(port), ...options.env }),
      stdio: ['ignore', 'pipe', 'pipe', ...(library ? (['ipc'] as const) : [])],
      // In a session of its own: on the terminal of whoever runs the tests, a HUP would mean that its user has gone.
      detached: true,
    });
    living.add(this.pid);
    this.primary.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.events.read('stdout', text);
    });
    this.primary.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.events.read('stderr', text);
    });
    this.exited = new Promise((done) => {
      this.primary.once('exit', (code, signal) => {
        living.delete(this.pid);
        this.#ending = { code, signal };
        done(this.#ending);
      });
    });
    // Not before the last line is read; as long as workers hold the pipe, more may come.
    this.#closed = new Promise((done) => {
      this.primary.once('close', (code, signal) => {
        this.events.end(`the primary ended (${code ?? signal})`);
        done();
      });
    });
  }

  /** The environment that the primary and everything below it gets. */
  environment(more: Record<string, string> = {}): Record<string, string> {
    return this.#sandbox.environment(more);
  }

  get pid(): number {
    assert.ok(this.primary.pid !== undefined, 'the primary could not be spawned');
    return this.primary.pid;
  }

  /** The workers' pids: living processes that answer for a slot or will. */
  workers(): number[] {
    return this.events.workers().filter(isAlive);
  }

  ready(): number[] {
    return this.events.ready();
  }

  /** Every living process of this rig, the primary included. */
  processes(): number[] {
    return this.#sandbox.processes().map(({ pid }) => pid);
  }

  waitFor(
    match: string | ((event: RigEvent) => boolean),
    patience?: { from?: number; deadlineMs?: number },
  ): Promise<RigEvent> {
    return this.events.waitFor(match, patience).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.story()}`);
    });
  }

  async untilReady(count: number, deadlineMs = 60_000): Promise<void> {
    await eventually(`${count} workers ready`, () => this.ready().length === count || this.#ending !== null, {
      deadlineMs,
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.story()}`);
    });
    assert.equal(this.#ending, null, `the primary ended before ${count} workers were ready\n${this.story()}`);
  }

  signal(signal: NodeJS.Signals): void {
    assert.ok(this.primary.kill(signal), `the primary is gone, it cannot get ${signal}`);
  }

  /** HUP, and the event that says how the reload ended. */
  async reload(deadlineMs = 60_000): Promise<RigEvent> {
    const from = this.events.length;
    this.signal('SIGHUP');
    return this.waitFor(({ type }) => type === 'reload-done' || type === 'reload-failed', { from, deadlineMs });
  }

  /** A method of the handle that supervise() returned (only with `library`), and what it resolved to. */
  async call<T = unknown>(method: string, ...args: unknown[]): Promise<T> {
    this.#commands += 1;
    const id = this.#commands;
    const answer = new Promise<{ value?: T; error?: string }>((done) => {
      const listen = (message: { id: number; value?: T; error?: string }) => {
        if (message.id !== id) return;
        this.primary.off('message', listen);
        done(message);
      };
      this.primary.on('message', listen);
    });
    this.primary.send({ id, method, args });
    const { value, error } = await within(`${method}() to answer`, answer, 120_000);
    if (error !== undefined) throw new Error(error);
    return value as T;
  }

  fetch(path = '/', ask: Ask = {}): Promise<Answer> {
    return fetch({ port: this.port, path, ...ask });
  }

  /** Sends `signal` (none if null), and waits for the end of the primary and, if no worker outlives it, of its output. */
  async end(signal: NodeJS.Signals | null = 'SIGTERM', deadlineMs = 60_000): Promise<Ending> {
    if (this.#ending === null && signal !== null) this.signal(signal);
    const ending = await within('the primary to end', this.exited, deadlineMs).catch((error: Error) => {
      throw new Error(`${error.message}
${this.story()}`);
    });
    if (this.processes().length === 0) await within('its output to end', this.#closed);
    return ending;
  }

  /** What happened, for the message of a failed test. */
  story(): string {
    return [...this.events.lines().slice(-60), `stderr: ${this.stderr.slice(-2000)}`].join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const problems: string[] = [];
    if (this.#ending === null) {
      await this.end('SIGTERM').catch((error: Error) => problems.push(error.message));
    }
    const left = await this.#sandbox.close();
    // A primary that was killed cannot tidy up; who comes next does.
    const isKilled = this.#ending?.signal === 'SIGKILL';
    problems.push(...left.filter((what) => !isKilled || !what.startsWith('left behind')));
    if (await accepts(this.port)) problems.push(`port ${this.port} is still open`);
    if (!isKilled) {
      // One that was killed in an earlier life of this pid may have left its own.
      const own = inMemory().filter((name) => name.startsWith(`tutti-${this.pid}-`) && !this.#before.includes(name));
      problems.push(...own.map((name) => `left behind: /dev/shm/${name}`));
    }
    assert.deepEqual(problems, [], `${problems.join('; ')}\n${this.story()}`);
  }
}

export async function startRig(options: RigOptions): Promise<Rig> {
  const rig = new Rig(options, options.port ?? (await freePort()));
  const ready = options.ready ?? Number(options.flags?.workers ?? 2);
  if (ready > 0) {
    try {
      await rig.untilReady(ready);
    } catch (error) {
      await rig[Symbol.asyncDispose]().catch(() => {});
      throw error;
    }
  }
  return rig;
}

export function flagList(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (value === true) return [`--${name}`];
    if (value === false) return [];
    return (Array.isArray(value) ? value : [value]).flatMap((one) => [`--${name}`, String(one)]);
  });
}

function camelCased(flags: Flags): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, value]) => [
      name === 'node-arg' ? 'nodeArgs' : name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

/** True if a connection to the port is taken. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

function inMemory(): string[] {
  return existsSync('/dev/shm') ? readdirSync('/dev/shm') : [];
}
