// A whole machine in memory for the pure core: a clock, processes that boot, serve, drain and die as a test tells them to, and the
// rules that every action of the core has to keep. Nothing here waits for real time.

import assert from 'node:assert/strict';
import type { Heartbeat, RequestCounts } from '../../../src/protocol/messages.ts';
import type { MemoryRoom } from '../../../src/supervisor/decide/headroom.ts';
import type { Host } from '../../../src/supervisor/host.ts';
import { Supervisor } from '../../../src/supervisor/supervisor.ts';
import type { Action, CommandResult, WorkerId } from '../../../src/supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../../../src/supervisor/vocabulary/events.ts';
import type { LastWords, SupervisorInput } from '../../../src/supervisor/vocabulary/inputs.ts';
import type { Policy } from '../../../src/supervisor/vocabulary/policy.ts';

/** How the process of one worker behaves. Every time is simulated milliseconds. */
export interface Behaviour {
  /** From fork to its readiness fact; null: never. */
  bootMs: number | null;
  /** It exits by itself this long after the fork. */
  exitAfterMs: number | null;
  exitCode: number;
  drainMs: number | null;
  /** From SIGTERM to its end; null: it ignores SIGTERM. */
  stopMs: number | null;
  probe: boolean;
  /** From its admission to the copy of the socket that it accepts from; null: that never comes. */
  acceptMs: number | null;
  /** SIGKILL has no effect. */
  unkillable: boolean;
  /** Its process comes to life; false: it is waited for in vain. */
  online: boolean;
}

export interface Process {
  id: WorkerId;
  slot: number | null;
  generation: number;
  spare: boolean;
  forkedAt: number;
  behaviour: Behaviour;
  admitted: boolean;
  /** The core has begun to end it. */
  ordered: 'drain' | 'terminate' | 'kill' | null;
  /** Its drain knows that the whole app stops. */
  stops: boolean;
  /** Its server is closed. */
  closed: boolean;
  /** Its main loop stands still. */
  silent: boolean;
  /** Requests that it has answered. */
  answers: number;
  beat: Heartbeat;
}

export const quietBeat: Heartbeat = {
  rssBytes: 50e6,
  heapUsedBytes: 10e6,
  cpuUserMicros: 0,
  cpuPercent: 0,
  cpuSystemMicros: 0,
  eventLoopUtilization: 0,
  eventLoopDelayP99Ms: 1,
  connections: 0,
  activeRequests: 0,
  requestsTotal: 0,
  inspected: false,
  handlesUsr1: false,
};

export const defaultPolicy: Policy = {
  workers: { min: 2, max: 2 },
  ready: 'listening',
  probe: null,
  probeTimeoutMs: 2_000,
  startTimeoutMs: 30_000,
  canaryTimeMs: 2_000,
  preStopDelayMs: 0,
  drainTimeoutMs: 25_000,
  stopTimeoutMs: 3_000,
  holdTimeoutMs: 10_000,
  livenessTimeoutMs: 30_000,
  surge: 1,
  spares: 0,
  reloadFailures: 1,
  giveUpMs: 60_000,
  restart: 'always',
  maxMemoryBytes: null,
  maxRequests: null,
  maxLifetimeMs: null,
  autopsy: false,
};

const healthy: Behaviour = {
  bootMs: 100,
  exitAfterMs: null,
  exitCode: 1,
  drainMs: 50,
  stopMs: 10,
  probe: true,
  acceptMs: 0,
  unkillable: false,
  online: true,
};

interface Due {
  at: number;
  order: number;
  run: () => void;
}

export class World implements Host {
  readonly supervisor: Supervisor;
  readonly processes = new Map<WorkerId, Process>();
  readonly actions: { at: number; action: Action }[] = [];
  readonly events: (SupervisorEvent & { at: number })[] = [];
  readonly answers = new Map<number, CommandResult>();
  exit: { code: number; reason: string; at: number } | null = null;
  /** How the next forks behave. */
  behave: (fork: { generation: number; slot: number | null; nth: number }) => Partial<Behaviour> = () => ({});
  /** How pins are answered; null: never. */
  pin: (generation: number) => { changedInPlace?: boolean; refused?: string } | null = () => ({});
  /** Looks at the world after every input. */
  watch: () => void = () => undefined;
  /** Whether autopsies are answered. */
  autopsyMs: number | null = 200;
  /** What the control group has left; null: nothing limits it. */
  room: MemoryRoom | null = null;
  /** What a closer look at a process's memory finds; null: it cannot be known. */
  pssOf: (process: Process) => number | null = () => null;
  #now = 1_000;
  #random: () => number;
  #queue: Due[] = [];
  #order = 0;
  #wakeAt: number | null = null;
  #nextId = 1;
  #wakes = 0;

  constructor(policy: Partial<Policy> = {}, seed = 1, parallelStarts = 64) {
    this.#random = mulberry32(seed);
    this.supervisor = new Supervisor(
      {
        name: 'app',
        policy: { ...defaultPolicy, ...policy },
        generation1: { entry: '/app/1/server.js' },
        parallelStarts,
      },
      this,
    );
  }

  now(): number {
    return this.#now;
  }

  memoryRoom(): MemoryRoom | null {
    return this.room;
  }

  random(): number {
    return this.#random();
  }

  get wakes(): number {
    return this.#wakes;
  }

  start(): this {
    this.supervisor.start();
    this.watch();
    return this;
  }

  /** Lets simulated time pass. */
  run(ms: number): this {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#queue[0];
      const wakeAt = this.#wakeAt;
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, wakeAt ?? Number.POSITIVE_INFINITY);
      if (at > until || this.exit !== null) break;
      this.#now = Math.max(this.#now, at);
      if (wakeAt !== null && wakeAt <= this.#now && (next === undefined || next.at >= wakeAt)) {
        this.#wakeAt = null;
        this.#wakes += 1;
        this.send({ type: 'tick' });
      } else {
        this.#queue.shift()?.run();
      }
    }
    if (this.exit === null) this.#now = until;
    return this;
  }

  /** The primary does not run for this long, while everybody else does. */
  sleep(ms: number): this {
    this.#now += ms;
    return this;
  }

  /** Jumps to the moment just before the alarm and rings it, as a timer that fires early does. */
  wakeEarly(ms: number): this {
    assert.ok(this.#wakeAt !== null, 'no alarm is set');
    this.#now = this.#wakeAt - ms;
    this.#wakeAt = null;
    this.send({ type: 'tick' });
    return this;
  }

  after(ms: number, run: () => void): void {
    const due = { at: this.#now + ms, order: this.#order++, run };
    const index = this.#queue.findIndex(({ at }) => at > due.at);
    if (index === -1) this.#queue.push(due);
    else this.#queue.splice(index, 0, due);
  }

  send(input: SupervisorInput): void {
    if (this.exit !== null) return;
    this.supervisor.dispatch(input);
    this.watch();
  }

  command(
    command:
      | { type: 'reload' | 'rollback' }
      | { type: 'scale'; to: number | { by: number } }
      | { type: 'recycle'; slot: number | null }
      | { type: 'stop'; fast?: boolean },
  ): number {
    const id = this.#nextId++;
    if (command.type === 'stop') this.send({ type: 'stop', id, fast: command.fast ?? false, reason: 'told to stop' });
    else if (command.type === 'recycle') this.send({ ...command, id, reason: 'an operator asked for it' });
    else this.send({ ...command, id });
    return id;
  }

  answer(id: number): CommandResult {
    const result = this.answers.get(id);
    assert.ok(result, `command ${id} has no answer yet`);
    return result;
  }

  /** Living workers that accept traffic, as the clients see it. */
  serving(): Process[] {
    return [...this.processes.values()].filter(
      ({ admitted, ordered, closed }) => admitted && ordered === null && !closed,
    );
  }

  inSlot(slot: number): Process {
    const process = this.serving().find((candidate) => candidate.slot === slot);
    assert.ok(process, `no worker serves slot ${slot}`);
    return process;
  }

  forks(sinceMs = 0): number {
    return this.actions.filter(({ at, action }) => action.type === 'fork' && at >= sinceMs).length;
  }

  eventsOf<T extends SupervisorEvent['type']>(type: T): (Extract<SupervisorEvent, { type: T }> & { at: number })[] {
    return this.events.filter(
      (event): event is Extract<SupervisorEvent, { type: T }> & { at: number } => event.type === type,
    );
  }

  /** The process ends now, by its own doing or by a signal from outside. */
  die(process: Process, how: { code?: number; signal?: string; words?: Partial<LastWords> } = { code: 1 }): void {
    if (!this.processes.delete(process.id)) return;
    const lastWords = { stderr: [`worker ${process.id} says goodbye`], ...how.words };
    const { code = null, signal = null } = how;
    this.supervisor.dispatch({ type: 'worker-counted', worker: process.id, counts: countsOf(process) });
    this.send({ type: 'worker-exit', worker: process.id, code, signal, lastWords });
  }

  listen(process: Process): void {
    process.closed = false;
    const listeners = [{ protocol: 'tcp' as const, address: '::', port: 8000 }];
    this.send({ type: 'worker-listening', worker: process.id, listeners });
  }

  /** It closes its last server; `ending`: after an uncaught error, say. */
  close(process: Process, ending: boolean): void {
    process.closed = true;
    this.send({ type: 'worker-closed', worker: process.id, ending });
  }

  perform(action: Action): void {
    assert.equal(this.exit, null, 'nothing is done after exit');
    this.actions.push({ at: this.#now, action });
    switch (action.type) {
      case 'fork':
        this.#fork(action);
        return;
      case 'report':
        this.events.push({ ...action.event, at: this.#now });
        return;
      case 'answer':
        assert.ok(!this.answers.has(action.id), `command ${action.id} is answered once`);
        this.answers.set(action.id, action.result);
        return;
      case 'wake':
        assert.ok(action.at > this.#now, 'a wake lies in the future');
        this.#wakeAt = action.at;
        return;
      case 'pin':
        this.#pin(action.generation);
        return;
      case 'exit':
        this.exit = { code: action.code, reason: action.reason, at: this.#now };
        return;
      case 'close-ports':
      case 'close-slot-ports':
      case 'shut-ports':
      case 'unpin':
        return;
      default:
        this.#obey(action);
        return;
    }
  }

  #fork(action: Extract<Action, { type: 'fork' }>): void {
    const { worker: id, slot, generation, spare } = action;
    assert.ok(!this.processes.has(id), 'a worker id is used once');
    const behaviour = { ...healthy, ...this.behave({ generation, slot, nth: this.forks() }) };
    const beat = { ...quietBeat };
    const process: Process = {
      id,
      slot,
      generation,
      spare,
      forkedAt: this.#now,
      behaviour,
      admitted: false,
      ordered: null,
      stops: false,
      closed: false,
      silent: false,
      answers: 0,
      beat,
    };
    this.processes.set(id, process);
    if (behaviour.online)
      this.#later(process, 5, () => this.send({ type: 'worker-online', worker: id, pid: 10_000 + id }));
    const { bootMs, exitAfterMs } = behaviour;
    if (bootMs !== null) {
      this.#later(process, bootMs, () => {
        this.send({ type: 'worker-started', worker: id });
        this.listen(process);
        this.send({ type: 'worker-said-ready', worker: id });
        this.#beat(process);
      });
    }
    if (exitAfterMs !== null) this.#later(process, exitAfterMs, () => this.die(process, { code: behaviour.exitCode }));
  }

  #obey(action: Extract<Action, { worker: WorkerId }>): void {
    const process = this.processes.get(action.worker);
    assert.ok(process, `${action.type} for worker ${action.worker}, which is not alive`);
    const { behaviour } = process;
    switch (action.type) {
      case 'admit':
        assert.equal(process.admitted, false, 'a worker is admitted once');
        process.admitted = true;
        process.slot = action.slot;
        if (behaviour.acceptMs !== null)
          this.#later(process, behaviour.acceptMs, () => this.send({ type: 'worker-accepting', worker: process.id }));
        return;
      case 'probe':
        this.#later(process, 10, () =>
          this.send({ type: 'worker-probe', worker: process.id, ok: behaviour.probe, detail: 'it answered 500' }),
        );
        return;
      case 'drain':
        if (process.ordered === 'drain') {
          assert.ok(action.stop && !process.stops, 'a drain that runs learns only of a stop, once');
          process.stops = true;
          return;
        }
        assert.equal(process.ordered, null, 'only a worker that serves is drained');
        process.ordered = 'drain';
        process.stops = action.stop;
        if (behaviour.drainMs !== null) {
          this.#later(process, behaviour.drainMs, () =>
            this.send({ type: 'worker-drained', worker: process.id, left: [], lasting: false }),
          );
        }
        return;
      case 'terminate':
        assert.ok(process.ordered !== 'terminate' && process.ordered !== 'kill', 'a worker is told to end once');
        process.ordered = 'terminate';
        if (behaviour.stopMs !== null) this.#later(process, behaviour.stopMs, () => this.die(process, { code: 0 }));
        return;
      case 'kill':
        assert.notEqual(process.ordered, 'kill', 'a worker is killed once');
        process.ordered = 'kill';
        if (!behaviour.unkillable) this.#later(process, 1, () => this.die(process, { signal: 'SIGKILL' }));
        return;
      case 'measure-memory':
        this.#later(process, 5, () =>
          this.send({ type: 'worker-memory', worker: process.id, pssBytes: this.pssOf(process) }),
        );
        return;
      case 'autopsy':
        if (this.autopsyMs === null) return;
        this.#later(process, this.autopsyMs, () =>
          this.send({ type: 'worker-autopsy', worker: process.id, incident: `incident-${process.id}` }),
        );
        return;
    }
  }

  #pin(generation: number): void {
    const outcome = this.pin(generation);
    if (outcome === null) return;
    this.after(10, () => {
      if (outcome.refused !== undefined) {
        this.send({ type: 'generation-refused', generation, reason: outcome.refused });
        return;
      }
      const changedInPlace = outcome.changedInPlace ?? false;
      this.send({ type: 'generation-pinned', generation, entry: `/app/${generation}/server.js`, changedInPlace });
    });
  }

  #beat(process: Process): void {
    const beat = { ...process.beat, extra: countsOf(process) };
    if (!process.silent) this.send({ type: 'worker-heartbeat', worker: process.id, beat });
    this.#later(process, 1_000, () => this.#beat(process));
  }

  #later(process: Process, ms: number, run: () => void): void {
    this.after(ms, () => {
      if (this.processes.has(process.id)) run();
    });
  }
}

function countsOf({ answers }: Process): RequestCounts {
  return { status: [0, 0, answers, 0, 0, 0], latencyBuckets: { le: [], counts: [] }, latencySumMs: 0 };
}

/** A small seeded generator: the same seed gives the same world. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
