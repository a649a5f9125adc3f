// Keeps a log process running for an app and connects each worker's output to it (primary). If the log process is killed, another
// takes its place; workers that wrote to the old one have lost their output and are to be replaced.

import type { Socket } from 'node:net';
import { join } from 'node:path';
import { LogProcess } from './log-process.ts';
import type { LogFormat } from './record.ts';
import type { FileSinkOptions } from './sink.ts';

export interface WorkerLogOptions {
  format: LogFormat;
  /** null: the primary's standard output. */
  file: FileSinkOptions | null;
  /** A folder of this user alone, for the socket. */
  folder: () => string;
  /** The log process was lost and replaced: what living workers write from now on is lost. */
  onLost: (message: string) => void;
  /** A worker had to be started without it. */
  onMissing: (message: string) => void;
}

export interface LogConnection {
  stdout: Socket;
  stderr: Socket;
  online(pid: number): void;
  admitted(slot: number): void;
}

export class WorkerLog {
  readonly #options: WorkerLogOptions;
  #process: Promise<LogProcess> | null = null;
  #starts = 0;
  #closing = false;

  constructor(options: WorkerLogOptions) {
    this.#options = options;
  }

  /** Resolves to null if no log process can be had; the worker then writes where the primary does. */
  async connect(worker: { slot: number | null; generation: number }): Promise<LogConnection | null> {
    try {
      const logs = await this.#running();
      const { id, stdout, stderr } = await logs.open(worker);
      return {
        stdout,
        stderr,
        online: (pid) => logs.announce(id, pid),
        admitted: (slot) => logs.announceSlot(id, slot),
      };
    } catch (error) {
      this.#process = null;
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.onMissing(
        `A worker writes to the output of tutti itself, because there is no log process: ${reason}.`,
      );
      return null;
    }
  }

  /** A line of the supervisor's own, if the log process runs. */
  note(line: string): void {
    void this.#process?.then((logs) => logs.note(line)).catch(() => {});
  }

  reopen(): void {
    void this.#process?.then((logs) => logs.reopen()).catch(() => {});
  }

  /** Resolves when everything that the workers wrote has been written on. */
  async close(): Promise<void> {
    this.#closing = true;
    const logs = await this.#process?.catch(() => null);
    await logs?.close();
  }

  #running(): Promise<LogProcess> {
    this.#process ??= this.#start();
    return this.#process;
  }

  async #start(): Promise<LogProcess> {
    const { format, file, folder, onLost } = this.#options;
    this.#starts += 1;
    const mine = this.#starts;
    const logs = await LogProcess.start({ socket: join(folder(), `log-${this.#starts}.sock`), format, file });
    logs.onExit(() => {
      if (this.#closing) return;
      // Another one may have taken its place already.
      if (mine === this.#starts) this.#process = null;
      onLost('The log process ended unexpectedly; workers whose output went there are replaced.');
    });
    return logs;
  }
}
