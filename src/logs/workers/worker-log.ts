// Keeps a log process running for an app and connects each worker's output to it (primary). If the log process is killed, another
// takes its place; workers that wrote to the old one have lost their output and are to be replaced.

import type { Socket } from 'node:net';
import { join } from 'node:path';
import { messageOf, TuttiError } from '../../errors.ts';
import { LogProcess } from './log-process.ts';
import type { FileOptions } from './outlets.ts';
import type { LogFormat } from './record.ts';

export interface WorkerLogOptions {
  format: LogFormat;
  /** null: the primary's standard output. */
  file: FileOptions | null;
  /** A folder of this user alone, for the socket. */
  folder: () => string;
  /** What nobody can guess. */
  secret: string;
  /** The log process was lost and replaced: what living workers write from now on is lost. */
  onLost: (message: string) => void;
  /** A worker had to be started without it. */
  onMissing: (message: string) => void;
  /** The output cannot be written, or can be again after `lost` lines were. */
  onWriting: (state: { ok: false; reason: string } | { ok: true; lost: number }) => void;
  /** The file grows on, because it cannot be rotated. */
  onUnrotated: (message: string) => void;
}

export interface LogConnection {
  stdout: Socket;
  stderr: Socket;
  online(pid: number): void;
  admitted(slot: number): void;
  /** As of LogProcess. */
  inspector(signal: AbortSignal): Promise<{ url: Promise<string> }>;
}

export class WorkerLog {
  readonly #options: WorkerLogOptions;
  #process: Promise<LogProcess> | null = null;
  #starts = 0;
  #sockets = 0;
  #closing = false;

  constructor(options: WorkerLogOptions) {
    this.#options = options;
  }

  /** Starts the log process. Throws ERR_LOG_FILE if its file cannot be used; whatever else fails may pass, and is told later. */
  async begin(): Promise<void> {
    try {
      await this.#running(true);
    } catch (error) {
      if (error instanceof TuttiError) throw error;
    }
  }

  /** Resolves to null if no log process can be had; the worker then writes where the primary does. */
  async connect(worker: { slot: number | null; generation: number }): Promise<LogConnection | null> {
    try {
      const logs = await this.#running();
      const { id, stdout, stderr } = await this.#open(logs, worker);
      return {
        stdout,
        stderr,
        online: (pid) => logs.announce(id, pid),
        admitted: (slot) => logs.announceSlot(id, slot),
        inspector: (signal) => logs.inspectorOf(id, signal),
      };
    } catch (error) {
      const reason = messageOf(error);
      this.#options.onMissing(
        `A worker writes to the output of tutti itself, because it cannot be connected to the log process: ${reason}.`,
      );
      return null;
    }
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

  async #open(logs: LogProcess, worker: { slot: number | null; generation: number }): ReturnType<LogProcess['open']> {
    try {
      return await logs.open(worker);
    } catch (error) {
      // Never a second one on the same file while the first one lives. Its socket may have been cleaned away.
      const isGone = gone.has((error as NodeJS.ErrnoException).code ?? '');
      if (!isGone || !logs.isAlive) throw error;
      await logs.moveTo(this.#socketPath());
      return logs.open(worker);
    }
  }

  /** Only one that could not be started, or has ended, is forgotten. */
  #running(mustOpen = false): Promise<LogProcess> {
    if (this.#process === null) {
      const started = this.#start(mustOpen);
      this.#process = started;
      started.catch(() => {
        if (this.#process === started) this.#process = null;
      });
    }
    return this.#process;
  }

  #socketPath(): string {
    this.#sockets += 1;
    return join(this.#options.folder(), `log-${this.#sockets}.sock`);
  }

  async #start(mustOpen: boolean): Promise<LogProcess> {
    const { format, file, secret, onLost, onWriting, onUnrotated } = this.#options;
    this.#starts += 1;
    const mine = this.#starts;
    const logs = await LogProcess.start({ socket: this.#socketPath(), secret, format, file }, { mustOpen });
    logs.onTrouble((told) => {
      if ('trouble' in told) onWriting({ ok: false, reason: words[told.code ?? ''] ?? told.trouble });
      else if ('healed' in told) onWriting({ ok: true, lost: told.lost });
      else onUnrotated(`${file?.file} cannot be rotated, so it grows on: ${told.unrotated}`);
    });
    logs.onExit(() => {
      if (this.#closing) return;
      // Another one may have taken its place already.
      if (mine === this.#starts) this.#process = null;
      onLost('The log process ended unexpectedly; workers whose output went there are replaced.');
    });
    return logs;
  }
}

const gone = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR']);

/** Where the system's own words say too little. */
const words: Readonly<Record<string, string>> = {
  ENXIO: 'it is a pipe that nobody reads (ENXIO)',
  EPIPE: 'nobody reads it any more (EPIPE)',
};
