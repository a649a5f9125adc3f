// The drain: stop accepting, move idle connections, tell clients to leave, wait for what is in flight. It never calls the application's
// server.close(): the application cleans up afterwards, at SIGTERM. Runs in the worker; the primary orders it, and decides its deadline, in
// src/supervisor/apply/retire.ts.
import * as clock from '../clock.ts';
import { allConnections, allSessions, type Connection, whenSession } from '../connections/connections.ts';
import { isIdle, socketsBetweenRequests } from '../connections/idle.ts';
import { attempt, cancel, guarded, repeat } from '../guard.ts';
import { setGate } from '../report/requests.ts';
import { sayGoodbye } from './goaway.ts';
import { announceClose, refuse } from './last-answer.ts';
import { isAllLasting } from './lasting.ts';
import { describeOpen } from './open-connections.ts';

export interface DrainPort {
  stopAccepting(): void;
  /** Moves idle connections to siblings and returns how many left. */
  moveIdle(): number;
  /** Whether it leaves by itself as soon as it can, so that its client need not be told. */
  willMove(connection: Connection): boolean;
  /** How many were sent away but are not out of this process yet. */
  leaving(): number;
  /** Whether the application listens to its stop signal, so that it can end what lasts. */
  isHeard(): boolean;
}

export interface DrainResult {
  left: string[];
  /** Everything that is left lasts for as long as its client likes, so the drain may have ended early. */
  lasting: boolean;
  /** Time left until the deadline. */
  restMs: number;
}

const LOOKING = 'telling what is open';
const TELLING = 'telling a client to leave';
const TICK_MS = 20;
/** How long the other side may take to close a connection that we have ended. */
const END_MS = 1000;
/** A client that opened a connection and never spoke, on a server without a timeout. */
const UNUSED_LINGER_MS = 5000;
/** When the whole app stops, idle connections are kept no longer than this, whatever the server promised. */
const STOP_LINGER_MS = 5000;
/** The application is told to end when only lasting connections have been left for this long. */
const LASTING_MS = 250;
/**
 * From this time of a stop on, an application without a listener is ended too, and one with a listener is told even while an answer of
 * unknown length goes on. It is half of the time that Docker waits.
 */
const LATE_STOP_MS = 5000;

export class Drain {
  readonly #port: DrainPort;
  readonly #ended = new Map<Connection, number>();
  #startedAt = 0;
  #deadline = 0;
  #timer: NodeJS.Timeout | null = null;
  #done: ((result: DrainResult) => void) | null = null;
  /** When it became known that the whole app stops; null: it does not. */
  #stopAt: number | null = null;
  #lastingSince: number | null = null;

  constructor(port: DrainPort) {
    this.#port = port;
  }

  get running(): boolean {
    return this.#done !== null;
  }

  /**
   * `done` is called once: when nothing is left, when only what lasts is left and the application can be told, or at the deadline. `stop`:
   * the whole app ends. A second call can only shorten the drain or add `stop`.
   */
  begin(timeoutMs: number, stop: boolean, done: (result: DrainResult) => void): void {
    if (stop) this.#stopAt ??= clock.now();
    if (this.#done !== null) {
      // A later, shorter deadline counts.
      this.#deadline = Math.min(this.#deadline, clock.now() + timeoutMs);
      return;
    }
    this.#done = done;
    this.#startedAt = clock.now();
    this.#deadline = this.#startedAt + timeoutMs;
    // A referenced timer: a program whose last connection is gone must not end before its own clean-up has run. It comes first, so that
    // the drain ends even if the rest fails.
    this.#timer = repeat(TICK_MS, this.#tick);
    attempt('the end of accepting', () => this.#port.stopAccepting(), undefined);
    setGate((connection, { request, response, server }) => {
      if (connection.closing) {
        refuse(server, request);
        return false;
      }
      if (!this.#port.willMove(connection)) announceClose(connection, response);
      return true;
    });
    for (const connection of allConnections()) attempt(TELLING, () => this.#announceClose(connection), undefined);
    for (const session of allSessions()) attempt(TELLING, () => sayGoodbye(session), undefined);
    whenSession(sayGoodbye);
    this.#tick();
  }

  #announceClose(connection: Connection): void {
    if (connection.response === null || this.#port.willMove(connection)) return;
    announceClose(connection, connection.response);
    for (const each of connection.more ?? []) announceClose(connection, each.response);
  }

  readonly #tick = guarded('the drain', () => {
    const now = clock.now();
    attempt('moving connections', () => this.#port.moveIdle(), 0);
    attempt('ending idle connections', () => this.#endOverdue(now), undefined);
    const empty = allConnections().size === 0 && allSessions().size === 0 && this.#port.leaving() === 0;
    const isOver = now >= this.#deadline;
    if (empty) this.#finish([], false, now);
    else if (isOver || attempt(LOOKING, () => this.#isPointless(now), false)) {
      const lasting = !isOver || attempt(LOOKING, () => isAllLasting(false, false), false);
      this.#finish(attempt(LOOKING, describeOpen, []), lasting, now);
    }
  });

  #endOverdue(now: number): void {
    for (const [connection, at] of this.#ended) {
      if (!allConnections().has(connection)) this.#ended.delete(connection);
      else if (now - at > END_MS) connection.wire.destroy();
    }
    const reserve = Math.min(END_MS / 2, (this.#deadline - this.#startedAt) / 10);
    this.#endIdle(now, now >= this.#deadline - reserve);
  }

  /** Whether nothing is left that is worth waiting for. Plain node would have told the application at once. */
  #isPointless(now: number): boolean {
    const isHeard = this.#port.isHeard();
    const isStop = this.#stopAt !== null;
    const isLate = this.#stopAt !== null && now - this.#stopAt >= LATE_STOP_MS;
    // In a stop, connections of unknown protocols count as lasting: an application that listens knows best what to do with them.
    if (!(isHeard || isStop) || this.#port.leaving() > 0 || !isAllLasting(isStop && isHeard, isLate && isHeard)) {
      this.#lastingSince = null;
      return false;
    }
    this.#lastingSince ??= now;
    return now - this.#lastingSince >= LASTING_MS && (isHeard || isLate);
  }

  /** Ends idle connections whose linger time is over, or with `all` every idle one. */
  #endIdle(now: number, all: boolean): void {
    const due: Connection[] = [];
    for (const connection of allConnections()) {
      if (connection.pending > 0 || connection.closing) continue;
      if (all || now >= this.#lingerUntil(connection)) due.push(connection);
    }
    if (due.length === 0) return;
    const between = socketsBetweenRequests(due);
    for (const connection of due) {
      if (!isIdle(connection, between)) continue;
      // Half-closed, and read on: to destroy a socket while a request is on its way would reset it, and the client would lose even what it
      // was sent before.
      connection.closing = true;
      this.#ended.set(connection, now);
      connection.wire.end();
    }
  }

  /** Node closes an idle connection a second after the promised time. Half a second after it, no client relies on it any more. */
  #lingerUntil(connection: Connection): number {
    const until = this.#promisedUntil(connection);
    return this.#stopAt !== null
      ? Math.min(until, Math.max(connection.idleSince, this.#startedAt) + STOP_LINGER_MS)
      : until;
  }

  #promisedUntil(connection: Connection): number {
    const keepAlive = connection.server?.keepAliveTimeout;
    if (connection.requests === 0) return this.#startedAt + (keepAlive || UNUSED_LINGER_MS);
    if (keepAlive === undefined) return Math.max(connection.idleSince, this.#startedAt) + UNUSED_LINGER_MS;
    return keepAlive === 0 ? Number.POSITIVE_INFINITY : connection.idleSince + keepAlive + 500;
  }

  #finish(left: string[], lasting: boolean, now: number): void {
    if (this.#timer === null) return;
    cancel(this.#timer);
    this.#timer = null;
    this.#done?.({ left, lasting, restMs: Math.max(0, this.#deadline - now) });
  }
}
