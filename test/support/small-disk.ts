// A file system of 2 MB that can really be filled, mounted over a folder in a mount namespace of its own: nobody else sees it, and it
// goes with the namespace. It takes root, and a system that allows namespaces.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class SmallDisk implements AsyncDisposable {
  /** What a command must be run by to see it. */
  readonly prefix: readonly string[];
  readonly #holder: ChildProcess;
  readonly #folder: string;

  private constructor(holder: ChildProcess, folder: string) {
    this.#holder = holder;
    this.#folder = folder;
    this.prefix = ['nsenter', '-t', String(holder.pid), '-m', `--wdns=${process.cwd()}`, '--'];
  }

  /** Null where it cannot be had. */
  static async over(folder: string): Promise<SmallDisk | null> {
    const script = 'mount -t tmpfs -o size=2m,mode=700 none "$1" && echo mounted && exec cat';
    const holder = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', folder], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const mounted = await Promise.race([
      once(holder.stdout as NodeJS.ReadableStream, 'data').then(() => true),
      once(holder, 'exit').then(() => false),
    ]).catch(() => false);
    return mounted ? new SmallDisk(holder, folder) : null;
  }

  /** Where a file of it is found from outside the namespace. */
  path(name: string): string {
    return join(`/proc/${this.#holder.pid}/root`, this.#folder, name);
  }

  /** Fills it to the last byte; of `files` the last page too, into which a file could still grow. */
  fill(...files: string[]): void {
    for (const size of [64 * 1024, 1]) {
      untilFull(() => writeFileSync(this.path('ballast'), Buffer.alloc(size), { flag: 'a' }));
      for (const file of files) untilFull(() => appendFileSync(this.path(file), size === 1 ? '.' : '.'.repeat(size)));
    }
  }

  free(): void {
    rmSync(this.path('ballast'));
  }

  /** `ro`: nothing can be written any more; what holds a file open for writing forbids it. */
  async remount(mode: 'ro' | 'rw'): Promise<void> {
    const [program = '', ...args] = [...this.prefix, 'mount', '-o', `remount,${mode}`, this.#folder];
    const [code] = await once(spawn(program, args, { stdio: 'inherit' }), 'exit');
    if (code !== 0) throw new Error(`the disk cannot be mounted anew (${mode})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#holder, 'exit');
    this.#holder.stdin?.end();
    await ended;
  }
}

function untilFull(write: () => void): void {
  try {
    for (;;) write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
