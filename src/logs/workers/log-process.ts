// The primary's end of the log process (log-writer.ts): starts it, connects workers' output to it, tells it whose pid is whose, and
// hears from it what cannot be written.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { messageOf, TuttiError } from '../../errors.ts';
import { LineSplitter } from './line-splitter.ts';
import { placeOf } from './log-place.ts';
import type { Hello, LogOrder, LogReport, Opened, WriterOptions } from './log-protocol.ts';

/** A process that a worker left behind holds its output open for as long as it lives. The log process stays for it, nobody else. */
const CLOSE_PATIENCE_MS = 3000;
/** Longer than any machine needs that can run a server. */
const START_MS = 15_000;
/** What a start of Node may take on an overloaded machine. Chosen, not measured. */
const ANSWER_MS = 5000;

export type LogProcessOptions = Omit<WriterOptions, 'descriptor'>;

export interface LoggedOutput {
  id: number;
  /** To be given to the worker as its stdout and stderr, and closed here right after. */
  stdout: Socket;
  stderr: Socket;
}

type Trouble = Extract<LogReport, { trouble: string } | { healed: true } | { unrotated: string }>;

export class LogProcess {
  readonly #secret: string;
  readonly #process: ChildProcess;
  readonly #control: Socket;
  readonly #listeners = new Set<(told: LogReport) => void>();
  #socket: string;
  #nextId = 1;

  private constructor({ socket, secret }: LogProcessOptions, process: ChildProcess, control: Socket) {
    this.#socket = socket;
    this.#secret = secret;
    this.#process = process;
    this.#control = control;
    control.on('error', () => {}); // the process died: 'exit' tells
    const splitter = new LineSplitter();
    control.on('data', (chunk: Buffer) => {
      for (const line of splitter.push(chunk)) {
        const told: LogReport = JSON.parse(line.toString());
        for (const listener of [...this.#listeners]) listener(told);
      }
    });
  }

  /**
   * Resolves when the log process takes connections. Rejects if it could not be started in time, or if `mustOpen` and the file
   * cannot be opened for a reason that does not pass by itself: with ERR_LOG_FILE.
   */
  static async start(options: LogProcessOptions, { mustOpen = false } = {}): Promise<LogProcess> {
    const own = options.file === null ? null : await descriptorOf(options.file.file);
    // The log process has this process's stdout and stderr; another descriptor is given to it as its fourth.
    const isMore = own !== null && own > 2;
    const stdio: StdioOptions = ['ignore', 'inherit', 'inherit', 'ipc', ...(isMore ? [own] : [])];
    const descriptor = isMore ? 4 : own;
    const writer = spawn(process.execPath, [fileURLToPath(new URL('./log-writer.js', import.meta.url))], {
      // its own session: the terminal's Ctrl-C and the end of the primary do not reach it
      detached: true,
      stdio,
    });
    try {
      const { code, message } = await firstWords(writer, { ...options, descriptor });
      if (mustOpen && options.file !== null && code !== null && lasting.has(code)) {
        throw new TuttiError('ERR_LOG_FILE', { path: options.file.file, reason: message ?? code });
      }
      writer.unref();
      const control = await connect(options.socket, { secret: options.secret, role: 'control' });
      control.unref();
      return new LogProcess(options, writer, control);
    } catch (error) {
      // It ends by itself when its last client leaves, and would wait for ever for the first one.
      writer.kill('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  onExit(listener: () => void): void {
    this.#process.once('exit', listener);
  }

  onTrouble(listener: (trouble: Trouble) => void): void {
    this.#listeners.add((told) => {
      if ('trouble' in told || 'healed' in told || 'unrotated' in told) listener(told);
    });
  }

  async open(worker: { slot: number | null; generation: number }): Promise<LoggedOutput> {
    const id = this.#nextId++;
    const hello = { secret: this.#secret, role: 'stream', id, ...worker } as const;
    const stdout = await connect(this.#socket, { ...hello, stream: 'out' });
    try {
      const stderr = await connect(this.#socket, { ...hello, stream: 'err' });
      return { id, stdout, stderr };
    } catch (error) {
      stdout.destroy();
      throw error;
    }
  }

  /** Has it listen at another path, because its socket is not there any more. Rejects if it cannot. */
  async moveTo(path: string): Promise<void> {
    const answer = this.#heard((told) => ('listens' in told ? told : null));
    this.#say({ listen: path });
    if (!(await answer).listens) throw new Error(`the log process cannot listen at ${path}`);
    this.#socket = path;
  }

  announce(id: number, pid: number): void {
    this.#say({ id, pid });
  }

  announceSlot(id: number, slot: number): void {
    this.#say({ id, slot });
  }

  /**
   * The address of the inspector that this worker's process is about to open, from its stderr. What Node writes about it is kept
   * from the log from the time on when the outer promise is kept. Both reject when the log process does not answer.
   */
  async inspectorOf(id: number, signal: AbortSignal): Promise<{ url: Promise<string> }> {
    const awaits = this.#heard((told) => ('awaits' in told && told.awaits === id ? told : null), signal);
    const url = this.#heard((told) => ('inspector' in told && told.inspector === id ? told.url : null), signal);
    url.catch(() => {}); // also when nobody waits for it any more
    this.#say({ inspect: id });
    await awaits;
    return { url };
  }

  reopen(): void {
    this.#say({ reopen: true });
  }

  /** Lets the process end as soon as the last worker's output has ended; resolves then, or when that takes too long. */
  async close(): Promise<void> {
    this.#control.end();
    if (!this.isAlive) return;
    this.#process.ref();
    await withLimit(CLOSE_PATIENCE_MS, once(this.#process, 'exit')).catch(() => {});
    this.#process.unref();
  }

  #say(message: LogOrder): void {
    this.#control.write(`${JSON.stringify(message)}\n`);
  }

  /** What `choose` makes of the first message that it does not answer with null. */
  #heard<T>(choose: (told: LogReport) => T | null, signal = AbortSignal.timeout(ANSWER_MS)): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#listeners.delete(listener);
        signal.removeEventListener('abort', fail);
      };
      const fail = (): void => {
        end();
        reject(signal.reason);
      };
      const listener = (told: LogReport): void => {
        const chosen = choose(told);
        if (chosen === null) return;
        end();
        resolve(chosen);
      };
      this.#listeners.add(listener);
      signal.addEventListener('abort', fail, { once: true });
    });
  }
}

/** A full or hanging disk, or a pipe without a reader, may be better in a minute; these are not. */
const lasting = new Set(['EACCES', 'EPERM', 'ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EBADF']);

/** If the file is one of this process under another name, such as /dev/stdout. */
async function descriptorOf(file: string): Promise<number | null> {
  const { descriptor } = await placeOf(file);
  if (typeof descriptor !== 'number') return null;
  try {
    fstatSync(descriptor);
    return descriptor;
  } catch (error) {
    const reason = messageOf(error);
    throw new TuttiError('ERR_LOG_FILE', { path: file, reason }, { cause: error });
  }
}

async function firstWords(writer: ChildProcess, options: WriterOptions): Promise<Opened> {
  // What cannot be sent to it, or cannot end it, is told by its exit.
  const failed = once(writer, 'exit').then(([code, signal]) => {
    throw new Error(`the log process ended with ${signal ?? `code ${code}`}`);
  });
  const answered = once(writer, 'message').then(([opened]) => opened as Opened);
  writer.on('error', () => {});
  // A process that could not be spawned has no channel.
  writer.send?.(options, () => {});
  return withLimit(START_MS, Promise.race([answered, failed]));
}

async function withLimit<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the log process gave no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function connect(path: string, hello: Hello): Promise<Socket> {
  const socket = createConnection(path);
  // At any time from here on the log process may die; whoever waits is told, and nobody else must be ended by it.
  socket.on('error', () => {});
  await once(socket, 'connect');
  // The greeting must be out before anybody else writes to the same socket.
  await new Promise<void>((resolve, reject) => {
    socket.write(`${JSON.stringify(hello)}\n`, (error) => (error ? reject(error) : resolve()));
  });
  return socket;
}
