// Asks workers for profiles, stacks and heap snapshots while they serve, and waits for the answers (primary). The worker's side is
// src/worker/inspect/inspect.ts.

import { basename, join } from 'node:path';
import { makeFolder } from '../../files/ownership.ts';
import type { HotStack, InspectRequest, ToPrimary } from '../../protocol/messages.ts';
import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';
import type { RequestInFlight } from '../../supervisor/vocabulary/incident.ts';
import type { Account } from '../privileges/as-account.ts';
import { Transit } from '../privileges/transit.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

export type Inspection =
  | { ok: true; path: string }
  | { ok: true; stacks: readonly HotStack[]; requests: readonly RequestInFlight[] }
  | { ok: false; reason: string };

export type InspectionWish = { type: 'profile' | 'stack'; ms: number } | { type: 'heap' };

/** On top of the time that a profile takes. How long a large heap takes depends on the disk. */
const PATIENCE_MS = { profile: 10_000, stack: 5_000, heap: 300_000 };

export class Inspections {
  readonly #folder: string | null;
  readonly #pending = new Map<
    number,
    { worker: WorkerId; settle: (answer: Inspection) => void; path: string | null; transit: Transit | null }
  >();
  #count = 0;

  /** `folder` is created with the first file. Null: there cannot be one. */
  constructor(folder: string | null) {
    this.#folder = folder;
  }

  /** `account`: the user of the worker, if it is not ours. */
  ask(worker: WorkerProcess, wish: InspectionWish, account: Account | null = null): Promise<Inspection> {
    this.#count += 1;
    const seq = this.#count;
    let path: string | null;
    let transit: Transit | null = null;
    try {
      path = wish.type === 'stack' ? null : this.#path(worker, wish.type);
      if (path !== null && account !== null) transit = new Transit(account, basename(path));
    } catch (error) {
      return Promise.resolve({ ok: false, reason: `its file cannot be written: ${(error as Error).message}` });
    }
    return new Promise((resolve) => {
      const patienceMs = PATIENCE_MS[wish.type] + ('ms' in wish ? wish.ms : 0);
      const timer = setTimeout(
        () =>
          settle({ ok: false, reason: `it did not answer within ${patienceMs / 1000} s: its event loop is blocked` }),
        patienceMs,
      );
      timer.unref();
      const settle = (answer: Inspection): void => {
        clearTimeout(timer);
        this.#pending.delete(seq);
        if (!answer.ok) transit?.remove();
        resolve(answer);
      };
      this.#pending.set(seq, { worker: worker.id, settle, path, transit });
      const request = { ...wish, ...(path !== null && { path: transit?.path ?? path }) } as InspectRequest;
      if (!worker.send({ cmd: 'NODE_TUTTI_INSPECT', seq, request }))
        settle({ ok: false, reason: 'it is about to end' });
    });
  }

  answered(message: Extract<ToPrimary, { cmd: 'NODE_TUTTI_INSPECTED' }>): void {
    const pending = this.#pending.get(message.seq);
    if (pending === undefined) return;
    if (message.error !== undefined) pending.settle({ ok: false, reason: message.error });
    else if (pending.path !== null && pending.transit !== null)
      void this.#deliver(pending.transit, pending.path, pending.settle);
    else if (pending.path !== null) pending.settle({ ok: true, path: pending.path });
    else pending.settle({ ok: true, stacks: message.stacks ?? [], requests: message.requests ?? [] });
  }

  async #deliver(transit: Transit, path: string, settle: (answer: Inspection) => void): Promise<void> {
    try {
      await transit.deliver(path);
      settle({ ok: true, path });
    } catch (error) {
      settle({ ok: false, reason: `its file cannot be taken over: ${(error as Error).message}` });
    }
  }

  gone(worker: WorkerId): void {
    for (const pending of this.#pending.values())
      if (pending.worker === worker) pending.settle({ ok: false, reason: 'it ended in the meantime' });
  }

  #path({ slot, pid }: WorkerProcess, type: 'profile' | 'heap'): string {
    if (this.#folder === null) throw new Error('there is no state folder');
    makeFolder(this.#folder);
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const end = type === 'profile' ? 'cpuprofile' : 'heapsnapshot';
    return join(this.#folder, `slot-${slot ?? 'spare'}-${pid}-${time}-${this.#count}.${end}`);
  }
}
