// A world small enough to be copied: the core's model and what its processes are doing, as plain data, for the explorer. It keeps the rules
// of the fake world, and has no behaviour of its own: what happens next is the explorer's choice.

import assert from 'node:assert/strict';
import { type Model, newModel } from '../../../src/supervisor/model.ts';
import { Supervisor } from '../../../src/supervisor/supervisor.ts';
import type { Action, WorkerId } from '../../../src/supervisor/vocabulary/actions.ts';
import type { SupervisorInput } from '../../../src/supervisor/vocabulary/inputs.ts';
import type { Policy } from '../../../src/supervisor/vocabulary/policy.ts';
import { defaultPolicy } from './fake-world.ts';

interface Process {
  id: WorkerId;
  slot: number | null;
  generation: number;
  listens: boolean;
  probing: boolean;
  admitted: boolean;
  ordered: 'drain' | 'terminate' | 'kill' | null;
  stops: boolean;
}

/** One thing that may happen. `nth` counts the living processes, oldest first. */
export type Turn =
  | { type: 'ready' | 'probe-ok' | 'probe-fail' | 'exit'; nth: number }
  | { type: 'tick' | 'reload' | 'rollback' | 'stop' };

interface State {
  now: number;
  model: Model;
  processes: Process[];
  /** The times of the last six starts in each slot. */
  starts: number[][];
  asked: number;
  answered: number[];
  exited: boolean;
}

/** Far from every other number in the model, so that a time is known by its size. */
export const epoch = 1e9;

export const smallPolicy: Policy = {
  ...defaultPolicy,
  workers: { min: 2, max: 2 },
  spares: 1,
  probe: '/health',
  livenessTimeoutMs: 0,
  giveUpMs: 'never',
};

const options = { name: 'app', policy: smallPolicy, generation1: { entry: '/app/1/server.js' }, parallelStarts: 2 };
const listeners = [{ protocol: 'tcp' as const, address: '::', port: 8000 }];

export class SmallWorld {
  readonly #state: State;
  readonly #core: Supervisor;
  /** Pins are answered when the core has come to rest. */
  #pins: number[] = [];
  #admitted: number[] = [];

  constructor(state?: State) {
    const model = newModel(smallPolicy, options.generation1, epoch);
    this.#state = state ?? { now: epoch, model, processes: [], starts: [], asked: 0, answered: [], exited: false };
    const host = {
      now: () => this.#state.now,
      random: () => 0.5,
      memoryRoom: () => null,
      perform: (action: Action) => this.#perform(action),
    };
    this.#core = new Supervisor(options, host, this.#state.model);
    if (state === undefined) this.#core.start();
  }

  copy(): SmallWorld {
    return new SmallWorld(copied(this.#state, new Map()));
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  get model(): Readonly<Model> {
    return this.#state.model;
  }

  /** What clients reach, without a canary on trial. */
  serving(): number {
    const { reload } = this.model;
    const tried = reload?.phase.type === 'canary' ? reload.generation : null;
    return this.#state.processes.filter((one) => one.admitted && one.ordered === null && one.generation !== tried)
      .length;
  }

  possible(): Turn[] {
    if (this.#state.exited) return [];
    const turns: Turn[] = this.#state.processes.flatMap((process, nth): Turn[] => {
      const exit = { type: 'exit', nth } as const;
      if (process.ordered !== null) return [exit];
      if (process.probing) return [{ type: 'probe-ok', nth }, { type: 'probe-fail', nth }, exit];
      return process.listens ? [exit] : [{ type: 'ready', nth }, exit];
    });
    if (this.model.wakeAt !== null) turns.push({ type: 'tick' });
    return [...turns, { type: 'reload' }, { type: 'rollback' }, { type: 'stop' }];
  }

  take(turn: Turn): void {
    const process = 'nth' in turn ? this.#state.processes[turn.nth] : undefined;
    switch (turn.type) {
      case 'tick':
        assert.ok(this.model.wakeAt !== null);
        this.#state.now = Math.max(this.#state.now, this.model.wakeAt);
        for (const { id, listens } of [...this.#state.processes])
          if (listens) this.#tell({ type: 'worker-alive', worker: id });
        this.#tell({ type: 'tick' });
        break;
      case 'reload':
      case 'rollback':
        this.#state.asked += 1;
        this.#tell({ type: turn.type, id: this.#state.asked });
        break;
      case 'stop':
        this.#state.asked += 1;
        this.#tell({ type: 'stop', id: this.#state.asked, fast: false, reason: 'asked' });
        break;
      case 'exit':
        assert.ok(process);
        this.#end(process);
        break;
      case 'ready':
        assert.ok(process);
        process.listens = true;
        this.#tell({ type: 'worker-online', worker: process.id, pid: 10_000 + process.id });
        this.#tell({ type: 'worker-started', worker: process.id });
        this.#tell({ type: 'worker-listening', worker: process.id, listeners });
        break;
      default: {
        assert.ok(process);
        process.probing = false;
        this.#tell({ type: 'worker-probe', worker: process.id, ok: turn.type === 'probe-ok', detail: 'it answered' });
      }
    }
    for (const generation of this.#pins.splice(0)) {
      const entry = `/app/${generation}/server.js`;
      this.#tell({ type: 'generation-pinned', generation, entry, changedInPlace: false });
    }
    // One may be followed by the next.
    for (let id = this.#admitted.shift(); id !== undefined; id = this.#admitted.shift())
      this.#tell({ type: 'worker-accepting', worker: id });
  }

  /** Who was told to go, goes in order; anybody else dies. */
  #end(process: Process): void {
    const { id, ordered } = process;
    if (ordered === 'drain') this.#tell({ type: 'worker-drained', worker: id, left: [], lasting: false });
    this.#state.processes.splice(this.#state.processes.indexOf(process), 1);
    const how =
      ordered === 'kill' ? { code: null, signal: 'SIGKILL' } : { code: ordered === null ? 1 : 0, signal: null };
    this.#tell({ type: 'worker-exit', worker: id, ...how, lastWords: { stderr: [] } });
  }

  #tell(input: SupervisorInput): void {
    if (!this.#state.exited) this.#core.dispatch(input);
  }

  #perform(action: Action): void {
    const state = this.#state;
    assert.equal(state.exited, false, 'nothing is done after exit');
    switch (action.type) {
      case 'report':
      case 'close-ports':
      case 'close-slot-ports':
      case 'shut-ports':
      case 'unpin':
        return;
      case 'answer':
        assert.ok(!state.answered.includes(action.id), `command ${action.id} is answered once`);
        state.answered.push(action.id);
        return;
      case 'wake':
        assert.ok(action.at > state.now, 'a wake lies in the future');
        return;
      case 'pin':
        this.#pins.push(action.generation);
        return;
      case 'exit':
        // But for one that even SIGKILL does not end.
        assert.ok(
          state.processes.every(({ ordered }) => ordered === 'kill'),
          'no worker is left behind',
        );
        assert.equal(state.answered.length, state.asked, 'every command is answered');
        state.exited = true;
        return;
      case 'fork': {
        const { worker: id, slot, generation } = action;
        assert.ok(!state.processes.some((one) => one.id === id), 'a worker id is used once');
        const fresh = { listens: false, probing: false, admitted: false, ordered: null, stops: false };
        state.processes.push({ id, slot, generation, ...fresh });
        if (slot === null) return;
        const starts = [...(state.starts[slot] ?? []), state.now].slice(-6);
        state.starts[slot] = starts;
        const [sixth = 0] = starts;
        assert.ok(starts.length < 6 || state.now - sixth >= 1_000, 'a sixth start within a second');
        return;
      }
      default:
        this.#obey(action);
    }
  }

  #obey(action: Extract<Action, { worker: WorkerId }>): void {
    const process = this.#state.processes.find(({ id }) => id === action.worker);
    assert.ok(process, `${action.type} for worker ${action.worker}, which is not alive`);
    switch (action.type) {
      case 'admit':
        assert.equal(process.admitted, false, 'a worker is admitted once');
        assert.ok(process.listens, 'only a worker that listens is admitted');
        process.admitted = true;
        this.#admitted.push(process.id);
        process.slot = action.slot;
        return;
      case 'probe':
        process.probing = true;
        return;
      case 'drain':
        if (process.ordered === 'drain') {
          assert.ok(action.stop && !process.stops, 'a drain that runs learns only of a stop, once');
        } else {
          assert.equal(process.ordered, null, 'only a worker that serves is drained');
        }
        process.ordered = 'drain';
        process.stops = action.stop;
        return;
      case 'terminate':
        assert.ok(process.ordered === null || process.ordered === 'drain', 'a worker is told to end once');
        process.ordered = 'terminate';
        return;
      case 'kill':
        assert.notEqual(process.ordered, 'kill', 'a worker is killed once');
        process.ordered = 'kill';
        return;
      default:
        assert.fail(`${action.type} is not asked for in this world`);
    }
  }
}

/** Left out: what is only told, and what only counts up. */
const told = new Set([
  ...['id', 'pid', 'lastWorker', 'lastGeneration', 'policy', 'entry', 'limits', 'restarts', 'lastExit', 'lastReload'],
  ...['detail', 'reason', 'lastLines', 'told', 'startedAt', 'listeners', 'asked', 'answered', 'autoscaleTimes', 'load'],
]);
const generations = new Set(['generation', 'current', 'previous', 'from', 'number']);
const fixed = new Set(['policy', 'autoscaleTimes', 'listeners', 'limits']);
/** What lies longer ago than this is past for every rule. */
const oldMs = 70_000;

/** The state as a text that is the same for two states between which the core cannot tell. */
export function pictureOf({ state }: SmallWorld): string {
  const ranks = new Map(
    [...state.model.generations.keys()].sort((a, b) => a - b).map((number, rank) => [number, rank]),
  );
  const picture = (value: unknown, key: string): string => {
    if (typeof value === 'number') {
      if (generations.has(key)) return String(ranks.get(value) ?? 'gone');
      return String(value >= epoch - oldMs ? Math.max(value - state.now, -oldMs) : value);
    }
    if (typeof value !== 'object' || value === null) return String(value);
    const parts = Array.isArray(value) || value instanceof Map || value instanceof Set ? value.values() : null;
    let text = '(';
    if (parts !== null) for (const part of parts) text += `${picture(part, key)} `;
    else for (const name in value) if (!told.has(name)) text += `${picture(value[name as keyof typeof value], name)} `;
    return `${text})`;
  };
  return picture(state, '');
}

/** A deep copy in which what is one thing here is one thing there; many times as fast as structuredClone(). */
function copied<T>(value: T, copies: Map<unknown, unknown>): T {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known as T;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    copies.set(value, list);
    for (const one of value) list.push(copied(one, copies));
    return list as T;
  }
  if (value instanceof Map) {
    const map = new Map([...value].map(([key, one]) => [key, copied(one, copies)]));
    return map as T;
  }
  if (value instanceof Set) return new Set([...value].map((one) => copied(one, copies))) as T;
  const object: Record<string, unknown> = {};
  copies.set(value, object);
  // Rules and lists of listeners are never changed, but replaced.
  for (const name in value) object[name] = fixed.has(name) ? value[name] : copied(value[name], copies);
  return object as T;
}
