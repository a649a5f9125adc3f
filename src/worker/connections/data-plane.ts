// What the rest of the preload knows of the worker's side of the data plane. Runs in the worker.

import type { Server } from 'node:net';
import type { BootInfo, DataToWorker, ToPrimary } from '../../protocol/messages.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import type { Sent } from '../channel.ts';
import type { Outcome } from '../guard.ts';
import type { ListenReport } from '../listen/listener-info.ts';
import type { ScoreboardSeat } from '../report/scoreboard-seat.ts';
import type { Connection } from './connections.ts';

/** Sends to the primary; `callback` when the message has left the process (or could not). */
export type Send = (message: ToPrimary, handle?: unknown, callback?: Sent) => void;

export interface DataPlaneOptions {
  boot: BootInfo;
  /** Null where there is no scoreboard. */
  seat: ScoreboardSeat | null;
  send: Send;
  readiness: ListenReport;
}

export interface DataPlane {
  /** 'ok', or why Node's own cluster module serves the application's listen() instead. */
  readonly selfTest: 'ok' | string;
  /** Opens the gate. `slot` is the worker's place among its siblings. More than once is the same as once. */
  admit(slot: number): void;
  /** Servers go on "listening" for the application, but nothing new arrives; what is queued goes to siblings. */
  stopAccepting(): void;
  onMessage(message: DataToWorker, handle: unknown): Outcome;
  /** Moves what is idle now to siblings; answers how many left with this call. What cannot move stays. */
  moveIdle(): number;
  /** During a drain: the connection will move as soon as it has nothing under way. */
  willMove(connection: Connection): boolean;
  /** Connections that were sent away but are still in this process or may come back to it, and ports that nobody else accepts from: it must not end before. */
  leaving(): number;
  /** The drain is over: from now on this worker takes nothing, not even back. */
  end(): void;
  /** The process ends in this turn of its loop: what is idle goes to siblings now. Call it once. */
  rescue(): void;
  /** The primary is dead: nothing can be moved any more. */
  abandon(): void;
  /** Hands a raw connection to a server as if the server had accepted it just now. False if the server does not listen. */
  accept(server: Server, client: RawConnection): boolean;
  counts(): DataPlaneCounts;
}

/** Connections passed on to a sibling, taken over from one, and those that were offered and refused. They only grow. */
export interface DataPlaneCounts {
  sent: number;
  adopted: number;
  refused: number;
}
