// A worker as the data plane of the primary knows it: whether it may be given connections, and when it last gave a sign of life.

import { type Balance, hasPortPerSlot, spreadsByTransfer } from '../../protocol/balance.ts';
import type { Heartbeat } from '../../protocol/messages.ts';
import type { RawHandle } from '../../protocol/raw-handle.ts';
import { SILENT_MS } from '../../protocol/silence.ts';
import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';
import { monotonicMs } from '../monotonic.ts';
import type { Account } from '../privileges/as-account.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import type { DataPlaneWorker } from './data-plane-worker.ts';

export class Member implements DataPlaneWorker {
  readonly id: WorkerId;
  readonly cell: number | null;
  readonly generation: number;
  readonly account: Account | null;
  readonly mayRest: boolean;
  readonly portSlot: number | null;
  admitted = false;
  draining = false;
  /** Requests that it was serving when it died, and that run again elsewhere. */
  replayed = 0;
  admittedAt = monotonicMs();
  readonly #process: WorkerProcess;
  readonly #look: () => void;

  /** `look` reads the scoreboard for signs of life. */
  constructor(
    process: WorkerProcess,
    { balance, account }: { balance: Balance; account: Account | null },
    cell: number | null,
    look: () => void,
  ) {
    this.id = process.id;
    this.cell = cell;
    this.generation = process.generation;
    this.account = account;
    this.mayRest = cell !== null && spreadsByTransfer(balance);
    this.portSlot = hasPortPerSlot(balance) ? process.slot : null;
    this.#process = process;
    this.#look = look;
  }

  get slot(): number | null {
    return this.#process.slot;
  }

  isAdmitted(): boolean {
    return this.admitted && !this.draining;
  }

  isDraining(): boolean {
    return this.draining;
  }

  isLeaving(): boolean {
    return this.admitted && this.draining;
  }

  isFresh(): boolean {
    if (this.#spokeLately()) return true;
    // The last reading may be a second old.
    this.#look();
    return this.#spokeLately();
  }

  silentMs(): number {
    return monotonicMs() - Math.max(this.admittedAt, this.#process.heardAt);
  }

  heard(at: number, beat: Heartbeat | null): void {
    this.#process.heard(at, beat);
  }

  #spokeLately(): boolean {
    return this.silentMs() < SILENT_MS;
  }

  send(message: Parameters<DataPlaneWorker['send']>[0], handle?: unknown, callback?: (error: Error | null) => void) {
    this.#process.send(message, handle as RawHandle | undefined, callback);
  }
}
