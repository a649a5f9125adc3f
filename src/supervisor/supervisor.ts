// The pure core of tutti, in the primary: inputs come in, the model changes, the plan is carried out step by step, actions go out.
// It owns the model and nothing else; no clock, process, socket or file is touched here.

import { apply } from './apply/apply.ts';
import type { AutoscaleTimes } from './decide/autoscale.ts';
import { Deadlines } from './decide/deadlines.ts';
import { type Headroom, shortageOf } from './decide/headroom.ts';
import { hasOverslept } from './decide/health.ts';
import { plan } from './decide/plan.ts';
import type { Effects } from './effects.ts';
import { type Heritage, heritageOf, inherit } from './handover/heritage.ts';
import type { Host } from './host.ts';
import { type Model, newModel, servingWorkers, wantedSlots } from './model.ts';
import { type CoreSnapshot, takeSnapshot } from './picture/core-snapshot.ts';
import { receiveCommand } from './receive/commands.ts';
import { receivePressure, receiveResized } from './receive/limits.ts';
import { receiveFromWorker, receiveSigns } from './receive/receive.ts';
import { adoptPolicy, dropGenerations, receiveGeneration } from './reload/reload-turns.ts';
import type { Action } from './vocabulary/actions.ts';
import type { PrimaryState, SupervisorEvent } from './vocabulary/events.ts';
import type { SupervisorInput } from './vocabulary/inputs.ts';
import type { Policy } from './vocabulary/policy.ts';
import { isServing } from './workers/worker-state.ts';

export interface SupervisorOptions {
  name: string;
  policy: Policy;
  /** Pinned by the host before the core starts. */
  generation1: {
    entry: string;
    /** Default: 1. A successor goes on counting. */
    number?: number;
  };
  /** Wanted number of workers, where it is not the configuration's. */
  target?: number;
  /** How many workers may boot at the same time when empty slots are filled. Default: no limit. */
  parallelStarts?: number;
  /** How fast `workers: min..max` follows the load; for tests. */
  autoscaleTimes?: AutoscaleTimes;
}

/** Far more steps than one input can need. If they are not enough, the plan contradicts itself. */
const mostSteps = 100_000;

export class Supervisor {
  readonly #host: Host;
  readonly #name: string;
  readonly #headroom: Headroom;
  readonly #model: Model;
  /** When anything happened last: since then the primary may not have run. */
  #lastAt: number;

  /** `model`: what an earlier one knew, to go on from there. */
  constructor(options: SupervisorOptions, host: Host, model?: Model) {
    this.#host = host;
    this.#name = options.name;
    this.#headroom = {
      parallelStarts: options.parallelStarts ?? Number.POSITIVE_INFINITY,
      shortage: (starting) => shortageOf(host.memoryRoom(), starting),
    };
    const { policy, generation1, autoscaleTimes } = options;
    this.#lastAt = host.now();
    this.#model = model ?? newModel(policy, generation1, this.#lastAt, { target: options.target, autoscaleTimes });
  }

  /** When it was made, by the host's clock. */
  get startedAt(): number {
    return this.#model.startedAt;
  }

  /** Starts to fill the slots. Every later change comes through `dispatch`. */
  start(): void {
    if (this.#model.isStarted) return;
    this.#model.isStarted = true;
    const effects = this.#effects();
    effects.report({ type: 'state', state: 'starting' });
    this.#settle(effects);
  }

  /** Handles one input: when it returns, the host has been asked for everything that follows. Late inputs do no harm. */
  dispatch(input: SupervisorInput): void {
    if (!this.#model.isStarted || this.#model.state === 'stopped') return;
    const effects = this.#effects();
    if (input.type === 'worker-counted') {
      // No plan yet: the process has ended, and the consequences follow with its exit.
      receiveFromWorker(this.#model, input, effects);
      return;
    }
    if (hasOverslept(this.#model.wakeAt, effects.now)) this.#forgiveSilence(effects.now);
    this.#lastAt = effects.now;
    // A tick is the alarm itself. Timers may fire a moment early, so it has to be set again.
    if (input.type === 'tick' || (this.#model.wakeAt !== null && this.#model.wakeAt <= effects.now))
      this.#model.wakeAt = null;
    if (input.type === 'workers-heard') receiveSigns(this.#model, input.signs, effects.now);
    else if ('worker' in input) receiveFromWorker(this.#model, input, effects);
    else if (input.type === 'resized') receiveResized(this.#model, input, effects);
    else if (input.type === 'memory-pressure') receivePressure(this.#model, input, effects);
    else if (input.type === 'succeeded') inherit(this.#model, input.previous);
    else if ('generation' in input) receiveGeneration(this.#model, input, effects);
    else if ('id' in input) receiveCommand(this.#model, input, effects);
    this.#settle(effects);
  }

  /** What a successor of this supervisor has to know to go on where it is. */
  heritage(): Heritage {
    return heritageOf(this.#model);
  }

  /** Applies those changes of the configuration that need no new processes. The others need a reload. */
  setPolicy(policy: Policy): void {
    if (this.#model.state === 'stopped') return;
    const effects = this.#effects();
    adoptPolicy(this.#model, policy, effects);
    if (this.#model.isStarted) this.#settle(effects);
  }

  /** The read-only picture, as far as the core knows it. */
  snapshot(): CoreSnapshot {
    return takeSnapshot(this.#model, this.#name, this.#host.now());
  }

  #effects(): Effects {
    const host = this.#host;
    const perform = (action: Action) => host.perform(action);
    return {
      now: host.now(),
      random: () => host.random(),
      shortage: this.#headroom.shortage,
      perform,
      report: (event: SupervisorEvent) => perform({ type: 'report', event }),
      answer: (id, result) => perform({ type: 'answer', id, result }),
    };
  }

  /** Carries out the plan until nothing is left to do now, then asks to be woken for the next deadline. */
  #settle(effects: Effects): void {
    const model = this.#model;
    for (let steps = 0; steps < mostSteps; steps += 1) {
      this.#noteReadiness(effects);
      const deadlines = new Deadlines(effects.now);
      const step = plan(model, deadlines, this.#headroom);
      if (step !== null) {
        apply(model, step, effects);
        if (step.type === 'exit') return;
        continue;
      }
      dropGenerations(model, effects);
      this.#wake(deadlines.next, effects);
      return;
    }
    throw new Error('internal: the plan never comes to rest.');
  }

  #noteReadiness(effects: Effects): void {
    const model = this.#model;
    if (servingWorkers(model).length > 0) {
      model.noneReadySince = null;
      model.portsClosed = false;
    } else {
      model.noneReadySince ??= effects.now;
    }
    model.booted ||=
      wantedSlots(model).every((slot) => isServing(slot.serving) || slot.lastFailure !== null) && model.everReady;
    const state = stateOf(model);
    if (state === model.state) return;
    model.state = state;
    effects.report({ type: 'state', state, ...reasonOf(model, effects.now) });
  }

  /** Keeps a pending earlier wake: waking once too often is cheaper than setting a timer at every heartbeat. */
  #wake(next: number | null, effects: Effects): void {
    if (next === null || (this.#model.wakeAt !== null && this.#model.wakeAt <= next)) return;
    this.#model.wakeAt = next;
    effects.perform({ type: 'wake', at: next });
  }

  /**
   * The primary was stalled, and perhaps the whole machine. Workers' messages are still queued, so deadlines that passed meanwhile are not
   * their fault. The stall is counted from the last input, because the missed alarm may itself have been a deadline.
   */
  #forgiveSilence(now: number): void {
    const model = this.#model;
    const sleptMs = now - this.#lastAt;
    if (model.noneReadySince !== null) model.noneReadySince += sleptMs;
    for (const worker of model.workers.values()) {
      worker.aliveAt = now;
      if ('deadlineAt' in worker.state) worker.state.deadlineAt += sleptMs;
      if (worker.state.type === 'killing') worker.state.since += sleptMs;
    }
  }
}

function stateOf(model: Model): PrimaryState {
  if (model.closing !== null || model.farewell !== null) return 'stopping';
  if (model.reload !== null || model.pinning !== null) return 'reloading';
  return model.booted ? 'running' : 'starting';
}

function reasonOf({ closing, farewell }: Model, now: number): { reason?: string } {
  if (closing !== null) return { reason: closing.reason };
  return farewell === null ? {} : { reason: `${farewell.reason}, and serves on for ${farewell.until - now} ms` };
}
