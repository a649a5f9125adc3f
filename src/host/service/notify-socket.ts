// The way of the primary's messages to its service manager: a datagram to the unix socket that NOTIFY_SOCKET names, each after the one
// before. Node cannot open such a socket. Where the unit has the service manager open it (OpenFile=, systemd 253), a message is one write to
// that descriptor; else systemd-notify is started for each, which takes the primary about 1 ms. It stays until the message has been
// received, because the service manager asks /proc whose it was.

import { spawn } from 'node:child_process';
import { fstatSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../../errors.ts';

/** By field of sd_notify(3), without line ends. */
export type Message = Readonly<Record<string, string>>;

/** The name that OpenFile= gives the descriptor. */
export const NOTIFY_DESCRIPTOR = 'tutti-notify';

/** The first descriptor that a service manager hands down. */
const FIRST_DESCRIPTOR = 3;
/** systemd-notify itself waits for 5 s at most. */
const HELPER_MS = 10_000;
/** What changes the service's state: such a message is never mixed with another. */
const stateFields = ['READY', 'RELOADING', 'STOPPING', 'MAINPID'];

type Send = (lines: readonly string[]) => Promise<void>;

export class NotifySocket {
  readonly #ways: Send[];
  readonly #failed: (reason: string) => void;
  readonly #waiting: Message[] = [];
  #sending: Promise<void> | null = null;

  /** `failed` is called once at most. */
  constructor(path: string, descriptor: number | null, failed: (reason: string) => void) {
    this.#ways = [...(descriptor === null ? [] : [byDescriptor(descriptor)]), byHelper(path)];
    let told = false;
    this.#failed = (reason) => {
      if (!told) failed(reason);
      told = true;
    };
  }

  /** Kept when it has been sent, or cannot be. What only tells how things are joins a message that still waits. */
  send(message: Message): Promise<void> {
    const last = this.#waiting.at(-1);
    if (last !== undefined && !stateFields.some((field) => field in message)) {
      this.#waiting[this.#waiting.length - 1] = { ...last, ...message };
    } else this.#waiting.push(message);
    this.#sending ??= this.#sendAll();
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    // In the next turn what belongs together has been said.
    await Promise.resolve();
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      await this.#sendOne(Object.entries(message).map(([field, value]) => `${field}=${value}`));
    }
    this.#sending = null;
  }

  async #sendOne(lines: readonly string[]): Promise<void> {
    let problem: unknown = null;
    while (this.#ways.length > 0) {
      try {
        await this.#ways[0]?.(lines);
        return;
      } catch (error) {
        problem = error;
        if (this.#ways.length === 1) break;
        this.#ways.shift();
      }
    }
    this.#failed(messageOf(problem));
  }
}

/**
 * The descriptor that the unit had opened for this process, or null. It is taken out of what LISTEN_FDS counts, where it comes last as systemd
 * has it: an application that finds LISTEN_FDS takes every descriptor for a socket to listen on.
 */
export function takeNotifyDescriptor(env: Record<string, string | undefined>, pid: number): number | null {
  const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES = '' } = env;
  const count = Number(LISTEN_FDS ?? 0);
  const names = LISTEN_FDNAMES.split(':');
  const place = names.indexOf(NOTIFY_DESCRIPTOR);
  if (Number(LISTEN_PID) !== pid || place === -1 || place >= count) return null;
  if (count === 1) for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete env[name];
  else if (place === count - 1) {
    env.LISTEN_FDS = String(place);
    env.LISTEN_FDNAMES = names.slice(0, place).join(':');
  }
  try {
    return fstatSync(FIRST_DESCRIPTOR + place).isSocket() ? FIRST_DESCRIPTOR + place : null;
  } catch {
    return null;
  }
}

/** Not with writeSync: it would hold the main loop for as long as the service manager is busy. */
function byDescriptor(descriptor: number): Send {
  const writing = promisify(write) as (descriptor: number, text: string) => Promise<unknown>;
  return async (lines) => {
    await writing(descriptor, lines.join('\n'));
  };
}

function byHelper(path: string): Send {
  return (lines) =>
    new Promise((resolve, reject) => {
      const helper = spawn('systemd-notify', [...lines], {
        cwd: '/',
        env: { PATH: process.env.PATH, NOTIFY_SOCKET: path },
        stdio: 'ignore',
        timeout: HELPER_MS,
        killSignal: 'SIGKILL',
      });
      helper.once('error', reject);
      helper.once('exit', (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`systemd-notify ended with ${signal ?? `exit code ${code}`}`));
      });
    });
}
