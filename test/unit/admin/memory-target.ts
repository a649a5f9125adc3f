// A supervisor that lives in memory only: remembers what it was told, answers when the test says so.

import type { AdminTarget } from '../../../src/admin/api/target.ts';
import type { Snapshot, WorkerSnapshot } from '../../../src/supervisor/picture/snapshot.ts';
import type { CommandResult } from '../../../src/supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../../../src/supervisor/vocabulary/events.ts';

export class MemoryTarget implements AdminTarget {
  readonly name: string;
  readonly commands: unknown[] = [];
  result: CommandResult = { outcome: 'done' };
  state: Snapshot['state'] = 'running';
  workers: WorkerSnapshot[] = [memoryWorker(0), memoryWorker(1)];
  readonly #listeners = new Set<(event: SupervisorEvent) => void>();

  constructor(name = 'app') {
    this.name = name;
  }

  snapshot(): Snapshot {
    return {
      schema: 1,
      name: this.name,
      pid: process.pid,
      version: '0.0.0',
      node: process.version,
      state: this.state,
      generation: 1,
      target: 2,
      uptimeMs: 1000,
      entry: '/srv/app/server.js',
      listeners: [{ protocol: 'tcp', address: '::', port: 3000, scheme: 'http' }],
      circuit: 'closed',
      reload: { state: 'idle', generation: 1, startedAt: null, done: 0, total: 0, result: null, error: null },
      workers: this.workers,
    };
  }

  reload = () => this.#command({ type: 'reload' });
  rollback = () => this.#command({ type: 'rollback' });
  scale = (to: number | { by: number }) => this.#command({ type: 'scale', to });
  recycle = (slot?: number) => this.#command({ type: 'recycle', slot: slot ?? null });
  stop = (options?: { fast?: boolean }) => this.#command({ type: 'stop', fast: options?.fast ?? false });

  on(_type: 'event', listener: (event: SupervisorEvent) => void): void {
    this.#listeners.add(listener);
  }

  off(_type: 'event', listener: (event: SupervisorEvent) => void): void {
    this.#listeners.delete(listener);
  }

  tell(event: SupervisorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #command(command: unknown): Promise<CommandResult> {
    this.commands.push(command);
    return Promise.resolve(this.result);
  }
}

export function memoryWorker(slot: number): WorkerSnapshot {
  return {
    slot,
    pid: 1000 + slot,
    generation: 1,
    state: 'ready',
    reason: null,
    uptimeMs: 1000,
    restarts: 0,
    connections: 3,
    activeRequests: 1,
    requestsTotal: 500,
    rssBytes: 60_000_000,
    pssBytes: 30_000_000,
    heapUsedBytes: 10_000_000,
    cpuPercent: 12.5,
    eventLoopUtilization: 0.2,
    eventLoopDelayP99Ms: 11,
    lastExit: null,
  };
}
