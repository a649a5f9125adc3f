// What the host needs of whatever shares sockets and connections among the workers (primary). Its counterpart in a worker is
// src/worker/connections/data-plane.ts.

import type { Balance } from '../../protocol/balance.ts';
import type { BootInfo, DataToPrimary, Heartbeat, RequestCounts } from '../../protocol/messages.ts';
import type { RawHandle } from '../../protocol/raw-handle.ts';
import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';
import type { Account } from '../privileges/as-account.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

/** A sign of life of a worker's main loop. */
export interface Sign {
  worker: WorkerId;
  agoMs: number;
  /** Null: it has nothing new to say. */
  beat: Heartbeat | null;
}

/** All, those that nobody needs who lives by a generation, or those of a slot that no worker serves. */
export type PortsToShut = { unusedBy: number | null } | { slot: number };

export interface DataPlane {
  /** What this version of Node does differently, so that node:cluster has to share the sockets; null if nothing. */
  readonly selfTest: string | null;
  /** Before the fork: the worker's place on the scoreboard. `uid`: that of the worker, if it is not ours. */
  enrol(worker: WorkerId, uid: number | null): BootInfo['scoreboard'];
  joined(worker: WorkerProcess, runs: { balance: Balance; account: Account | null }): void;
  message(worker: WorkerProcess, message: DataToPrimary, handle: RawHandle | undefined): void;
  /** The worker may accept from now on. */
  admitted(worker: WorkerId): void;
  /** Kept when the admitted workers, or that one, accept, each from a copy of its own; within 2 s whatever they do. */
  accepting(worker?: WorkerId): Promise<void>;
  /** The worker gave a sign of life by message. */
  heard(worker: WorkerId): void;
  /** From now on `heard` is called once a second with the signs that the workers have written to the scoreboard. */
  watchSigns(heard: (signs: Sign[]) => void): void;
  /** Reads the scoreboard and reports now: a silence must not be judged by a reading that is a second old. */
  tellSigns(): void;
  /** The worker takes no more new connections. */
  draining(worker: WorkerId): void;
  /** What the worker had counted up to its end; null if that is unknown. Call it before `gone`. */
  tally(worker: WorkerId): RequestCounts | null;
  /** How many requests of the dead worker run again elsewhere. Call it before `gone`. */
  replayed(worker: WorkerId): number;
  /** The process is gone or never came to life. */
  gone(worker: WorkerId): void;
  /** Clients are refused from now on, until a worker listens again. */
  closePorts(): void;
  /** As the core's actions `shut-ports` and `close-slot-ports` say; answers with the ports. */
  shutPorts(which: PortsToShut): Listener[];
  /** Gives back every socket and file. */
  close(): void;
}
