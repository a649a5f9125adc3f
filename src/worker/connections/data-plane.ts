// What the rest of the preload knows of the worker's side of the data plane. Runs in the worker; its counterpart in the primary is
// src/host/connections/data-plane.ts.

import type { Server } from 'node:net';
import type { BootInfo, DataToWorker, ToPrimary } from '../../protocol/messages.ts';
import type { RawConnection } from '../../protocol/raw-handle.ts';
import type { HandedSocket } from '../../protocol/takeover.ts';
import type { Sent } from '../channel.ts';
import type { Outcome } from '../guard.ts';
import type { ListenReport } from '../listen/listener-info.ts';
import type { ScoreboardSeat } from '../report/scoreboard-seat.ts';
import type { Connection } from './connections.ts';

/** Sends to the primary. `callback` is called when the message has left the process or could not. */
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
  /** Opens the gate. `slot` is the worker's place among its siblings. Idempotent. */
  admit(slot: number): void;
  /** Servers go on "listening" for the application, but nothing new arrives. Queued clients go to siblings. */
  stopAccepting(): void;
  onMessage(message: DataToWorker, handle: unknown): Outcome;
  /** Moves connections that are idle now to siblings. Returns how many left with this call; those that cannot move stay. */
  moveIdle(): number;
  /** During a drain: whether the connection will move as soon as it has nothing in flight. */
  willMove(connection: Connection): boolean;
  /**
   * How many connections were sent away but are still in this process or may come back, plus ports that nobody else accepts from. The
   * process must not end before this is 0.
   */
  leaving(): number;
  /** The drain is over: from now on this worker takes nothing, not even its own connections. */
  end(): void;
  /** The process ends in this turn of its loop: idle connections go to siblings now. Call it once. */
  rescue(): void;
  /** The primary is dead, so nothing can move any more. */
  abandon(): void;
  /** Its copies of the app's sockets, by their numbers here. Null: it accepts nothing without a primary. */
  ownSockets(): HandedSocket[] | null;
  /** A server listens without its copy: the primary has been asked for it, and has not answered yet. */
  readonly lacksCopy: boolean;
  /** Gives a raw connection to a server as if it had just accepted it. False if the server does not listen. */
  accept(server: Server, client: RawConnection): boolean;
  counts(): DataPlaneCounts;
}

/** Connections passed on to a sibling, taken over, and refused. They only grow. */
export interface DataPlaneCounts {
  sent: number;
  adopted: number;
  refused: number;
}
