// Steps 1 to 4 of the drain: stop accepting, move idle connections, tell clients to leave, wait for what is in flight.
// Runs in the worker. Never calls the application's server.close(): its own clean-up comes after, with SIGTERM.
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
  /** Moves idle connections to siblings and says how many left. */
  moveIdle(): number;
  /** It leaves by itself as soon as it can, so its client need not be told. */
  willMove(connection: Connection): boolean;
  /** How many have left but are not out of this process yet. */
  leaving(): number;
  /** The application listens to its stop signal, so it can take leave of what lasts. */
  isHeard(): boolean;
}

export interface DrainResult {
  left: string[];
  /** All that is left lasts for as long as its client likes; then it may be over early. */
  lasting: boolean;
  /** Until the deadline. */
  restMs: number;
}

const LOOKING = 'telling what is open';
const TELLING = 'telling a client to leave';
const TICK_MS = 20;
/** How long a connection that we ended may take to close from the other side. */
const END_MS = 1000;
/** A client that opened a connection and never spoke, on a server without a timeout. */
const UNUSED_LINGER_MS = 5000;
/** When the whole app stops nobody keeps an idle connection for longer, whatever its server promised. */
const STOP_LINGER_MS = 5000;
/** The application is told to end when nothing but what lasts has been left for so long. */
const LASTING_MS = 250;
/**
 * From so long after a stop began, one without a listener is ended too, and one with a listener is told although an answer of unknown
 * length goes on: half of what Docker waits.
 */
const LATE_STOP_MS = 5000;

export class Drain {
  readonly #port: DrainPort;
  readonly #ended = new Map<Connection, number>();
  #startedAt = 0;
  #deadline = 0;
  #timer: NodeJS.Timeout | null = null;
  #done: ((result: DrainResult) => void) | null = null;
  /** When it was known that the whole app stops; null: it does not. */
  #stopAt: number | null = null;
  #lastingSince: number | null = null;

  constructor(port: DrainPort) {
    this.#port = port;
  }

  get running(): boolean {
    return this.#done !== null;
  }

  /**
   * `done` is called once: when nothing is left, when only what lasts is left and the application can be told, or at the deadline.
   * `stop`: the whole app ends. A second call may only shorten the drain, or add that.
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
    // A referenced timer: a program whose last connection is gone must not end before its own clean-up has run. First of all, so that
    // the drain ends whatever of the rest fails.
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

  /** Nothing is left whose end could be waited for, and to say so is what plain node would have done at once. */
  #isPointless(now: number): boolean {
    const isHeard = this.#port.isHeard();
    const isStop = this.#stopAt !== null;
    const isLate = this.#stopAt !== null && now - this.#stopAt >= LATE_STOP_MS;
    // In a stop also what speaks a protocol of its own: an application that listens knows best what to do with it.
    if (!(isHeard || isStop) || this.#port.leaving() > 0 || !isAllLasting(isStop && isHeard, isLate && isHeard)) {
      this.#lastingSince = null;
      return false;
    }
    this.#lastingSince ??= now;
    return now - this.#lastingSince >= LASTING_MS && (isHeard || isLate);
  }

  /** Ends connections whose linger is over; all idle ones if `all`. */
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
      // Half-closed and read on: destroying a socket with a request on its way would reset it, and the client would lose even what
      // it was sent before.
      connection.closing = true;
      this.#ended.set(connection, now);
      connection.wire.end();
    }
  }

  /** Node closes an idle connection a second after the time it promised; half a second after, nobody counts on it either. */
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
