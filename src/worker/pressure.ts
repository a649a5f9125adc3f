// Tells the primary when this worker has more to do than one of few that accept should have: then others accept too. Runs in the worker.

import * as clock from './clock.ts';

/** A loop that did not rest for as long has more than it can do now, … */
const BLOCKED_MS = 50;
const BLOCKED_UTILIZATION = 0.9;
/** … and one that was busy for half of a longer time has more than it should. */
const BUSY_MS = 250;
const BUSY_UTILIZATION = 0.5;
/** To give so many connections away in as long costs more than if others had accepted them. */
const MANY_GIVEN = 8;
const GIVEN_MS = 100;
/** Told so often at first, so that all workers accept within a moment, … */
const TELL_MS = 50;
const FIRST_TIMES = 8;
/** … and then only to say that it goes on. */
const TELL_ON_MS = 1000;
/** After so long a silence it is a new beginning. */
const FORGET_MS = 5000;

export class Pressure {
  readonly #tell: () => void;
  readonly #short = new Window(BLOCKED_MS, BLOCKED_UTILIZATION);
  readonly #long = new Window(BUSY_MS, BUSY_UTILIZATION);
  #given = 0;
  #givenSince = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #times = 0;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  /** A connection was accepted. Where accepts are rare, what happened since the last one counts. */
  accepted(now: number): void {
    const isBlocked = this.#short.isBusy(now);
    if (this.#long.isBusy(now) || isBlocked) this.raise(now);
  }

  /** A connection that was accepted here goes to a sibling. */
  gaveAway(now: number): void {
    if (now - this.#givenSince > GIVEN_MS) {
      this.#given = 0;
      this.#givenSince = now;
    }
    this.#given += 1;
    if (this.#given >= MANY_GIVEN) this.raise(now);
  }

  /** There is too much here, for whatever reason. */
  raise(now: number): void {
    if (now - this.#toldAt > FORGET_MS) this.#times = 0;
    if (now - this.#toldAt < (this.#times < FIRST_TIMES ? TELL_MS : TELL_ON_MS)) return;
    this.#toldAt = now;
    this.#times += 1;
    this.#tell();
  }
}

/** How busy the event loop was since the last time that `atLeastMs` were over. */
class Window {
  readonly #atLeastMs: number;
  readonly #utilization: number;
  #since = clock.now();
  #idleMs = clock.loopIdleMs();

  constructor(atLeastMs: number, utilization: number) {
    this.#atLeastMs = atLeastMs;
    this.#utilization = utilization;
  }

  isBusy(now: number): boolean {
    const elapsedMs = now - this.#since;
    if (elapsedMs < this.#atLeastMs) return false;
    const idleMs = clock.loopIdleMs();
    const busyMs = elapsedMs - (idleMs - this.#idleMs);
    this.#since = now;
    this.#idleMs = idleMs;
    return busyMs > elapsedMs * this.#utilization;
  }
}
