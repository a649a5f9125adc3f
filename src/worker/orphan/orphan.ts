// The primary is dead: the worker finishes what it has and leaves, or goes on serving until another primary takes the app over, instead
// of Node's own immediate process.exit(0). Runs in the worker. One that cannot do this is killed by host/process/guardian.ts.

import { closeSync, openSync, writeSync } from 'node:fs';
import type { OrphanOrders } from '../../protocol/orphans/orders.ts';
import { isGone, lives } from '../../protocol/orphans/process-identity.ts';
import { sincePath } from '../../protocol/orphans/succession.ts';
import { systemMs } from '../../protocol/scoreboard-layout.ts';
import { attempt, guarded, later, soon } from '../guard.ts';
import { hideLoss, lookAtChannel, tellLoss, whenLost } from '../leave.ts';
import { keepBrokenOutputHarmless } from '../output.ts';
import { process } from '../own-process.ts';
import type { Reviver } from './revive.ts';

/** A process that is killed lets go of its channel a moment before it is gone. One that lives on has let this worker go, and means it. */
const DYING_MS = 1_000;
/** A look reads one file of /proc. Chosen, not measured. */
const LOOK_MS = 50;

export interface OrphanOptions {
  /** Null: it never serves on. */
  orders: OrphanOrders | null;
  /** It was ready, and does not drain. */
  isServing(): boolean;
  /** It needs no primary to accept. */
  canGoOn(): boolean;
  /** Called once, before all else. */
  abandoned(): void;
  /** It has served on for long enough, was told to end, or does not serve on. */
  drain(): void;
  /** Called once, when it is sure that the primary is dead. */
  revive(orders: OrphanOrders): Reviver;
}

export class Orphan {
  readonly #options: OrphanOptions;
  #state: 'supervised' | 'serving' | 'draining' = 'supervised';
  /** Somebody has told it to end. */
  #isTold = false;
  #reviver: Reviver | null = null;
  #isOver = false;

  constructor(options: OrphanOptions) {
    this.#options = options;
    whenLost(() => this.#begin());
  }

  get isAlone(): boolean {
    return this.#state !== 'supervised';
  }

  /** Somebody waits for what it has to tell: it must not end before. */
  get isAwaited(): boolean {
    return this.#reviver?.isAwaited() ?? false;
  }

  /** To be called once a second: an application with a `process.disconnect` of its own cannot hide the end of the channel then. */
  readonly look = guarded('looking for the primary', () => {
    lookAtChannel();
    if (!this.#isOver) this.#reviver?.look();
  });

  /** Told to end, by a signal: the first time it drains. Answers whether it was told before, or drains by itself. */
  end(): boolean {
    const again = this.#isTold || this.#options.orders === null;
    this.#isTold = true;
    this.#isOver = true;
    if (this.#state === 'serving') this.#drain();
    return again;
  }

  #begin(): void {
    const { orders, isServing, canGoOn, abandoned } = this.#options;
    keepBrokenOutputHarmless();
    // One that starts or ends is no help, and nobody counts on it.
    const served = attempt('the look at what this worker does', isServing, false);
    const goesOn = orders !== null && served && attempt('the look for what can serve on', canGoOn, false);
    attempt('the end of transfers', abandoned, undefined);
    if (goesOn) {
      this.#state = 'serving';
      // Nothing has happened yet that concerns the application.
      hideLoss();
    } else this.#drain();
    if (orders !== null && served) this.#waitForDeath(orders, Math.ceil(DYING_MS / LOOK_MS));
  }

  #waitForDeath(orders: OrphanOrders, looks: number): void {
    // Until the last of its threads has ended it has its control socket, and another supervisor would take it for a living one.
    if (isGone(orders.primary) || (looks === 0 && !lives(orders.primary))) this.#serve(orders);
    else if (looks > 0)
      later(
        LOOK_MS,
        guarded('the death of the primary', () => this.#waitForDeath(orders, looks - 1)),
      ).unref();
    else if (this.#state === 'serving') this.#drain();
  }

  #serve(orders: OrphanOrders): void {
    const { timeoutMs, place, primary } = orders;
    const isServing = this.#state === 'serving';
    if (isServing) attempt('telling since when', () => tellSince(sincePath(place, primary.pid), timeoutMs), undefined);
    const isOver = guarded('the end of serving on', () => {
      if (this.#state === 'serving') this.#drain();
    });
    if (isServing) later(timeoutMs, isOver).unref();
    this.#reviver = attempt('the call for another supervisor', () => this.#options.revive(orders), null);
  }

  #drain(): void {
    this.#state = 'draining';
    attempt('the drain', () => this.#options.drain(), undefined);
    soon(guarded('telling of the loss', tellLoss));
  }
}

/** On the clock that all processes share: the one on the wall may be set. */
function tellSince(path: string, timeoutMs: number): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch {
    // Another worker was first.
    return;
  }
  try {
    writeSync(file, JSON.stringify({ at: systemMs(process.hrtime()), timeoutMs }));
  } finally {
    closeSync(file);
  }
}
