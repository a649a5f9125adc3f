// Tells the service manager that started this process how its app is: when it is ready, reloads and stops, that its main loop turns, and in
// a line what `systemctl status` shows. Made only where there is one to be told.

import { setTimeout as delay } from 'node:timers/promises';
import { NotifySocket, takeNotifyDescriptor } from '../host/service/notify-socket.ts';
import {
  type ServiceVariables,
  successorVariables,
  takeServiceVariables,
  watchdogMs,
} from '../host/service/variables.ts';
import { oneLine } from '../logs/own/visible.ts';
import { isGone, type ProcessIdentity } from '../protocol/orphans/process-identity.ts';
import type { Snapshot } from '../supervisor/picture/snapshot.ts';
import type { Supervision, TimedEvent } from './supervision.ts';

/** However fast workers come and go, the line is told no more often. */
const STATUS_MS = 1_000;
/** Three times in each extension, so that one that is late or lost ends nothing. */
const EXTEND_EVERY_MS = 20_000;
/** A start or a reload may go on for so long after each time that it is told. */
const EXTENSION_MS = 60_000;
/** What the end takes besides the workers. */
const STOP_MARGIN_MS = 5_000;
const MOST_REASON = 160;
const GONE_LOOK_MS = 100;

export interface ServiceManagerOptions {
  socket: Pick<NotifySocket, 'send'>;
  /** Null: the service manager does not watch this process. */
  watchdogMs: number | null;
  /** Microseconds of CLOCK_MONOTONIC. */
  monotonicMicros: () => bigint;
  /** What a successor of this process needs in its environment. */
  forSuccessor: ServiceVariables;
  /** Kept when the process whose app this one has taken over is gone; null: there was none, and the state of the app is waited for. */
  predecessorGone: Promise<void> | null;
}

export class ServiceManager {
  readonly forSuccessor: ServiceVariables;
  readonly #socket: Pick<NotifySocket, 'send'>;
  readonly #supervision: Pick<Supervision, 'on' | 'snapshot' | 'stopped'>;
  readonly #monotonicMicros: () => bigint;
  readonly #timers: NodeJS.Timeout[] = [];
  #phase: 'starting' | 'running' | 'reloading' | 'stopping' | 'over' = 'starting';
  #failure: string | null = null;
  #status: string | null = null;
  #statusTimer: NodeJS.Timeout | null = null;

  constructor(
    supervision: Pick<Supervision, 'on' | 'snapshot' | 'stopped'>,
    { socket, watchdogMs, monotonicMicros, forSuccessor, predecessorGone }: ServiceManagerOptions,
  ) {
    this.forSuccessor = forSuccessor;
    this.#socket = socket;
    this.#supervision = supervision;
    this.#monotonicMicros = monotonicMicros;
    // By the main loop's own timer: a primary that hangs says nothing.
    if (watchdogMs !== null) this.#every(watchdogMs / 2, () => void socket.send({ WATCHDOG: '1' }));
    this.#every(EXTEND_EVERY_MS, () => this.#extend());
    supervision.on('event', (event) => this.#event(event));
    void supervision.stopped.then(({ code, reason }) => this.#ended(code, reason));
    if (predecessorGone === null) return;
    this.#serves();
    void predecessorGone.then(() => this.#adopted());
  }

  /**
   * Until now this process was its predecessor's child. A main process that is none of its own systemd does not wait for in a stop: it kills the whole
   * service at once. It looks whose child one is only when it is told of another than it knows, so one of the workers comes between.
   */
  async #adopted(): Promise<void> {
    const worker = this.#supervision.snapshot().workers.find(({ pid }) => pid !== null);
    if (worker === undefined || this.#phase === 'over') return;
    await this.#socket.send({ MAINPID: String(worker.pid) });
    await this.#socket.send({ MAINPID: String(process.pid) });
  }

  /**
   * Says that `pid`, a process of this service, is the main one from now on. Kept when that has been said; after it this process says nothing
   * more. The new one speaks for itself, by `forSuccessor`.
   */
  async handOver(pid: number): Promise<void> {
    this.#quiet();
    await this.#socket.send({ MAINPID: String(pid) });
  }

  #event(event: TimedEvent): void {
    if (this.#phase === 'over') return;
    switch (event.type) {
      case 'state':
        if (event.state === 'running') this.#serves();
        else if (event.state === 'reloading') this.#reloads();
        else if (event.state === 'stopping') this.#stops();
        break;
      case 'reload-started':
        this.#failure = null;
        // A second one takes the first one's place. Who asked for it waits for a sign that is younger.
        if (this.#phase !== 'starting') this.#reloads();
        break;
      case 'reload-failed':
        if (event.superseded) return;
        this.#failure = `the last reload failed: ${oneLine(event.reason)}`.slice(0, MOST_REASON);
        break;
      case 'reload-done':
        this.#failure = null;
        break;
    }
    this.#statusSoon();
  }

  #serves(): void {
    if (this.#phase === 'stopping') return;
    this.#phase = 'running';
    void this.#socket.send({ READY: '1', ...this.#newStatus() });
  }

  #reloads(): void {
    if (this.#phase === 'stopping') return;
    this.#phase = 'reloading';
    void this.#socket.send({ RELOADING: '1', MONOTONIC_USEC: String(this.#monotonicMicros()), ...this.#newStatus() });
  }

  #stops(): void {
    this.#phase = 'stopping';
    const withinMs = (this.#supervision.snapshot().stopWithinMs ?? 0) + STOP_MARGIN_MS;
    void this.#socket.send({ STOPPING: '1', EXTEND_TIMEOUT_USEC: micros(withinMs), ...this.#newStatus() });
  }

  #ended(code: number, reason: string): void {
    if (this.#phase === 'over') return;
    this.#quiet();
    if (code !== 0)
      void this.#socket.send({ STATUS: `ended with exit code ${code}: ${oneLine(reason)}`.slice(0, MOST_REASON) });
  }

  #extend(): void {
    if (this.#phase !== 'starting' && this.#phase !== 'reloading') return;
    void this.#socket.send({ EXTEND_TIMEOUT_USEC: micros(EXTENSION_MS) });
  }

  #statusSoon(): void {
    this.#statusTimer ??= setTimeout(() => {
      this.#statusTimer = null;
      const status = this.#newStatus();
      if ('STATUS' in status) void this.#socket.send(status);
    }, STATUS_MS).unref();
  }

  /** Nothing where it has been said already. */
  #newStatus(): { STATUS?: string } {
    const status = statusLine(this.#supervision.snapshot(), this.#failure);
    if (status === this.#status) return {};
    this.#status = status;
    return { STATUS: status };
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(setInterval(act, ms).unref());
  }

  #quiet(): void {
    this.#phase = 'over';
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#statusTimer !== null) clearTimeout(this.#statusTimer);
  }
}

/** `4 of 4 workers ready, generation 2`. */
export function statusLine({ state, target, generation, workers, reload }: Snapshot, failure: string | null): string {
  const isReady = (of: number | null) => (worker: Snapshot['workers'][number]) =>
    worker.state === 'ready' && worker.slot !== null && (of === null || worker.generation === of);
  const ready = `${workers.filter(isReady(null)).length} of ${target} workers ready`;
  switch (state) {
    case 'starting':
      return `starting: ${ready}`;
    case 'reloading': {
      if (reload.state === 'idle' || reload.state === 'pinning') return `reloading: ${ready}`;
      const done = workers.filter(isReady(reload.generation)).length;
      return `reloading to generation ${reload.generation}: ${done} of ${target} workers are new`;
    }
    case 'stopping':
      return 'stopping: finishing what is under way';
    default:
      return `${ready}, generation ${generation}${failure === null ? '' : `; ${failure}`}`;
  }
}

function micros(ms: number): string {
  return String(Math.round(ms * 1000));
}

/** Whom whoever started this process wants to be told how its app is. Takes the variables that say so out of the environment; null: nobody. */
export function takeServiceManager(
  env: Record<string, string | undefined>,
):
  | ((supervision: Supervision, warn: (message: string) => void, predecessor: ProcessIdentity | null) => ServiceManager)
  | null {
  const variables = takeServiceVariables(env);
  const { NOTIFY_SOCKET: path } = variables;
  if (path === undefined) return null;
  const { pid } = process;
  const descriptor = takeNotifyDescriptor(env, pid);
  return (supervision, warn, predecessor) => {
    // The reload signal of the unit: the reload itself is a command. systemd (since 258) does without a service that has no handler for it.
    const ignore = (): void => {};
    process.on('SIGCONT', ignore);
    void supervision.stopped.then(() => process.off('SIGCONT', ignore));
    const failed = (reason: string): void =>
      warn(`the service manager cannot be told how the app is (NOTIFY_SOCKET=${path}): ${reason}`);
    return new ServiceManager(supervision, {
      socket: new NotifySocket(path, descriptor, failed),
      watchdogMs: watchdogMs(variables, pid),
      monotonicMicros: () => process.hrtime.bigint() / 1000n,
      forSuccessor: successorVariables(variables),
      predecessorGone: predecessor === null ? null : gone(predecessor),
    });
  };
}

async function gone(identity: ProcessIdentity): Promise<void> {
  while (!isGone(identity)) await delay(GONE_LOOK_MS, undefined, { ref: false });
}
