// The successor's side of an upgrade at the edge: what taking.ts decides, done on the channel to the old supervisor. Part of the composition,
// in the primary.

import { setTimeout as delay } from 'node:timers/promises';
import { TuttiError } from '../../errors.ts';
import { monotonicMs } from '../../host/monotonic.ts';
import type { SavedCounts } from '../../metrics/counters.ts';
import { isGone, type ProcessIdentity } from '../../protocol/orphans/process-identity.ts';
import { type Taking, type TakingAction, type TakingInput, taking } from '../../supervisor/handover/taking.ts';
import type { SupervisionHandle } from '../supervision.ts';
import { type Estate, type FromSuccessor, toSuccessor } from './talk.ts';

const DYING_LOOK_MS = 20;

interface Around {
  /** The old supervisor. */
  from: ProcessIdentity;
  canaryTimeMs: number;
  /** Everything begins that only one supervisor may do. Kept when the own workers accept. */
  admit(): Promise<void>;
  /** Rejects with the reason why there is no control. */
  openDoors(): Promise<void>;
  /** Another supervisor has the sockets: their paths are its own. */
  stepAside(): void;
  /** The old one has died, and its workers are left. */
  orphaned(): void;
  /** What the old one counted. */
  count(counts: SavedCounts): void;
  inherit(estate: Estate): void;
}

export class Arrival {
  readonly #handle: SupervisionHandle;
  readonly #around: Around;
  readonly #startedAt = monotonicMs();
  #state: Taking = 'preparing';
  #canary: NodeJS.Timeout | null = null;

  constructor(handle: SupervisionHandle, around: Around) {
    this.#handle = handle;
    this.#around = around;
  }

  /** Begins to listen to the old supervisor, and to wait for the own workers. */
  begin(): void {
    process.on('message', (message) => {
      const said = toSuccessor(message);
      if (said?.tutti === 'counted') {
        this.#around.count(said.counts);
        this.#turn({ type: 'predecessor-done' });
      }
      if (said?.tutti !== 'offered' || this.#state !== 'ready') return;
      this.#around.count(said.estate.counts);
      this.#around.inherit(said.estate);
      this.#turn({ type: 'offered' });
    });
    process.once('disconnect', () => void this.#untilGone());
    if (!process.connected) void this.#untilGone();
    process.channel?.unref();
    const died = (event: { reason: string; detail: string }): void => {
      if (event.reason === 'planned' || this.#canary === null) return;
      clearTimeout(this.#canary);
      this.#turn({
        type: 'could-not-serve',
        reason: `a worker of the successor died within canaryTime: ${event.detail}`,
      });
    };
    this.#handle.on('worker-exit', died);
    this.#handle.ready.then(
      () => {
        this.#canary = setTimeout(() => {
          this.#canary = null;
          this.#turn({ type: 'could-serve' });
        }, this.#around.canaryTimeMs);
      },
      (error: Error) => this.#turn({ type: 'could-not-serve', reason: error.message }),
    );
    void this.#handle.stopped.then(({ reason }) => {
      if (this.#canary !== null) clearTimeout(this.#canary);
      this.#turn({ type: 'could-not-serve', reason });
    });
  }

  /** A process that dies lets one descriptor go after the other: its control socket may answer yet, and its workers are nobody's orphans. */
  async #untilGone(): Promise<void> {
    while (this.#state !== 'sole' && !isGone(this.#around.from)) await delay(DYING_LOOK_MS, undefined, { ref: false });
    this.#turn({ type: 'predecessor-gone' });
  }

  #turn(input: TakingInput): void {
    const { state, actions } = taking(this.#state, input);
    this.#state = state;
    for (const action of actions) this.#act(action);
  }

  #act(action: TakingAction): void {
    switch (action.type) {
      case 'say-ready':
        this.#say({ tutti: 'ready' });
        return;
      case 'say-failed':
        this.#say({ tutti: 'failed', reason: action.reason });
        return;
      case 'say-taken':
        this.#say({ tutti: 'taken' });
        return;
      case 'admit':
        this.#finished();
        void this.#around.admit().then(() => this.#turn({ type: 'accepting' }));
        return;
      case 'adopt':
        this.#around.orphaned();
        return;
      case 'open-doors':
        this.#around.openDoors().then(
          () => this.#turn({ type: 'doors-opened' }),
          (error: Error) => this.#turn({ type: 'doors-failed', reason: error.message, isTaken: isTaken(error) }),
        );
        return;
      case 'give-up':
        void this.#handle.stop({ fast: true }, 'it could not take over');
        return;
      case 'step-aside':
        this.#around.stepAside();
        void this.#handle.stop({}, 'another supervisor has taken the app over');
    }
  }

  #finished(): void {
    const ms = Math.round(monotonicMs() - this.#startedAt);
    this.#handle.report({ type: 'upgrade-finished', pid: process.pid, from: this.#around.from.pid, ms });
  }

  #say(message: FromSuccessor): void {
    if (process.connected) process.send?.(message, () => {});
  }
}

function isTaken(error: Error): boolean {
  return error instanceof TuttiError && error.code === 'ERR_ALREADY_RUNNING';
}

/** What keeps this process from being the successor, before there was anything to supervise. */
export function sayFailed(reason: string): Promise<void> {
  return new Promise((said) => {
    if (process.send === undefined || !process.connected) said();
    else process.send({ tutti: 'failed', reason } satisfies FromSuccessor, () => said());
  });
}
