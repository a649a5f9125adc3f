// What the host needs of whatever shares sockets and connections among the workers (primary).

import type { Balance } from '../../protocol/balance.ts';
import type { BootInfo, DataToPrimary, Heartbeat, RequestCounts } from '../../protocol/messages.ts';
import type { RawHandle } from '../../protocol/raw-handle.ts';
import type { WorkerId } from '../../supervisor/vocabulary/actions.ts';
import type { Listener } from '../../supervisor/vocabulary/listener.ts';
import type { Account } from '../privileges/as-account.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

/** What a worker's main loop has said of itself. */
export interface Sign {
  worker: WorkerId;
  agoMs: number;
  /** Null: it has nothing new to say. */
  beat: Heartbeat | null;
}

export interface DataPlane {
  /** What is different in this version of Node, so that node:cluster has to share the sockets; null if nothing is. */
  readonly selfTest: string | null;
  /** Before the fork: the worker's place on the scoreboard. `uid`: that of the worker, if it is not ours. */
  enrol(worker: WorkerId, uid: number | null): BootInfo['scoreboard'];
  joined(worker: WorkerProcess, runs: { balance: Balance; account: Account | null }): void;
  message(worker: WorkerProcess, message: DataToPrimary, handle: RawHandle | undefined): void;
  /** The worker may accept from now on. */
  admitted(worker: WorkerId): void;
  /** The worker gave a sign of life by message. */
  heard(worker: WorkerId): void;
  /** From now on `heard` gets those that the workers write on the scoreboard, all of a second at once. */
  watchSigns(heard: (signs: Sign[]) => void): void;
  /** Tells what the workers have written on the scoreboard by now: to judge a silence by what was read a second ago would be unjust. */
  tellSigns(): void;
  /** The worker takes no new connections any more. */
  draining(worker: WorkerId): void;
  /** What the worker's process had counted up to its end, before `gone`; null if that is not known. */
  tally(worker: WorkerId): RequestCounts | null;
  /** How many requests that the worker was serving when it died run again elsewhere, before `gone`. */
  replayed(worker: WorkerId): number;
  /** The process is gone or never came to life. */
  gone(worker: WorkerId): void;
  /** Clients are refused from now on, until a worker listens again. */
  closePorts(): void;
  /** As the core's action `shut-ports` says; answers with the ports. */
  shutPorts(unusedBy: number | null): Listener[];
  /** Gives back every socket and file. */
  close(): void;
}
