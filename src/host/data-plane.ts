// What the host needs of whatever shares sockets and connections among the workers (primary).

import type { BootInfo, RequestCounts } from '../protocol/messages.ts';
import type { WorkerId } from '../supervisor/actions.ts';
import type { DataMessage, RawHandle, WorkerProcess } from './worker-process.ts';

export interface DataPlane {
  /** What is different in this version of Node, so that node:cluster has to share the sockets; null if nothing is. */
  readonly selfTest: string | null;
  /** Before the fork: the worker's place on the scoreboard. */
  enrol(worker: WorkerId): BootInfo['scoreboard'];
  joined(worker: WorkerProcess): void;
  message(worker: WorkerProcess, message: DataMessage, handle: RawHandle | undefined): void;
  /** The worker may accept from now on. */
  admitted(worker: WorkerId): void;
  /** The worker gave a sign of life. */
  heard(worker: WorkerId): void;
  /** The worker takes no new connections any more. */
  draining(worker: WorkerId): void;
  /** What the worker's process had counted up to its end, before `gone`; null if that is not known. */
  tally(worker: WorkerId): RequestCounts | null;
  /** The process is gone or never came to life. */
  gone(worker: WorkerId): void;
  /** Clients are refused from now on, until a worker listens again. */
  closePorts(): void;
  /** Gives back every socket and file. */
  close(): void;
}
