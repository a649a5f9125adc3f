// A real control group with limits for the command that a test starts: cgroup v1, by hand, where root may make one. Where it cannot be had
// `make` says why, for t.skip().

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

const base = '/sys/fs/cgroup';

export interface GroupLimits {
  /** CPUs; the period is 100 ms. */
  cpus: number;
  memoryBytes: number;
}

export class ControlGroup implements AsyncDisposable {
  readonly #folders: Record<'cpu' | 'memory', string>;

  private constructor(name: string) {
    this.#folders = { cpu: join(base, 'cpu', name), memory: join(base, 'memory', name) };
  }

  /** A sentence where there can be none. */
  static make(limits: GroupLimits): ControlGroup | string {
    const group = new ControlGroup(`tutti-test-${process.pid}-${Math.random().toString(36).slice(2)}`);
    try {
      for (const folder of Object.values(group.#folders)) mkdirSync(folder);
      group.limit(limits);
      return group;
    } catch (error) {
      group.#remove();
      return `no control group of v1 with cpu and memory can be made here: ${(error as Error).message}`;
    }
  }

  limit({ cpus, memoryBytes }: Partial<GroupLimits>): void {
    if (cpus !== undefined) writeFileSync(join(this.#folders.cpu, 'cpu.cfs_quota_us'), String(cpus * 100_000));
    if (memoryBytes !== undefined) {
      writeFileSync(join(this.#folders.memory, 'memory.limit_in_bytes'), String(memoryBytes));
    }
  }

  /** What a command must be run by to live in it. */
  get prefix(): string[] {
    const { cpu, memory } = this.#folders;
    const enter = `echo $$ > ${cpu}/cgroup.procs && echo $$ > ${memory}/cgroup.procs && exec "$@"`;
    return ['sh', '-c', enter, 'sh'];
  }

  processes(): number[] {
    return readFileSync(join(this.#folders.cpu, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  }

  #remove(): void {
    for (const folder of Object.values(this.#folders)) {
      try {
        rmdirSync(folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  /** Its processes have ended, or end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await eventually('the control group to be empty', () => this.processes().length === 0);
    this.#remove();
  }
}
