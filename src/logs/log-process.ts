// The primary's end of the log process (log-writer.ts): starts it, connects workers' output to it, and tells it whose pid is whose.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Control, Hello, WriterOptions } from './log-writer.ts';

/** A process that a worker left behind holds its output open for as long as it lives. The log process stays for it, nobody else. */
const CLOSE_PATIENCE_MS = 3000;

export interface LoggedOutput {
  id: number;
  /** To be given to the worker as its stdout and stderr, and closed here right after. */
  stdout: Socket;
  stderr: Socket;
}

export class LogProcess {
  readonly #options: WriterOptions;
  readonly #process: ChildProcess;
  readonly #control: Socket;
  #nextId = 1;

  private constructor(options: WriterOptions, process: ChildProcess, control: Socket) {
    this.#options = options;
    this.#process = process;
    this.#control = control;
    control.on('error', () => {}); // the process died: 'exit' tells
  }

  /** Resolves when the log process takes connections. Rejects if it could not be started. */
  static async start(options: WriterOptions): Promise<LogProcess> {
    const writer = spawn(
      process.execPath,
      [fileURLToPath(new URL('./log-writer.js', import.meta.url)), JSON.stringify(options)],
      {
        // its own session: the terminal's Ctrl-C and the end of the primary do not reach it
        detached: true,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    );
    // What cannot be sent to it, or cannot end it, is told by its exit.
    writer.on('error', () => {});
    await Promise.race([
      once(writer, 'message'),
      once(writer, 'exit').then(([code]) => {
        throw new Error(`the log process ended with code ${code}`);
      }),
    ]);
    writer.unref();
    const control = await connect(options.socket, { role: 'control' }).catch((error: unknown) => {
      // It ends by itself when its last client leaves, and would wait for ever for the first one.
      writer.kill('SIGKILL');
      throw error;
    });
    control.unref();
    return new LogProcess(options, writer, control);
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  onExit(listener: () => void): void {
    this.#process.once('exit', listener);
  }

  async open(worker: { slot: number | null; generation: number }): Promise<LoggedOutput> {
    const id = this.#nextId++;
    const hello = { role: 'stream', id, ...worker } as const;
    const stdout = await connect(this.#options.socket, { ...hello, stream: 'out' });
    try {
      const stderr = await connect(this.#options.socket, { ...hello, stream: 'err' });
      return { id, stdout, stderr };
    } catch (error) {
      stdout.destroy();
      throw error;
    }
  }

  announce(id: number, pid: number): void {
    this.#say({ id, pid });
  }

  announceSlot(id: number, slot: number): void {
    this.#say({ id, slot });
  }

  /** A line of the supervisor's own. */
  note(line: string): void {
    this.#say({ line });
  }

  reopen(): void {
    this.#say({ reopen: true });
  }

  /** Lets the process end as soon as the last worker's output has ended; resolves then, or when that takes too long. */
  async close(): Promise<void> {
    this.#control.end();
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.ref();
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((done) => {
      timer = setTimeout(done, CLOSE_PATIENCE_MS);
    });
    await Promise.race([once(this.#process, 'exit'), enough]);
    clearTimeout(timer);
    this.#process.unref();
  }

  #say(message: Control): void {
    this.#control.write(`${JSON.stringify(message)}\n`);
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
