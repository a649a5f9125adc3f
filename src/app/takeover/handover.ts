// The old supervisor's side of an upgrade at the edge: starts the successor with the listening sockets, and does what giving.ts decides. Part
// of the composition, in the primary.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describeNode } from '../../config/entry/typescript.ts';
import type { HandedDescriptor } from '../../host/sockets/open-socket.ts';
import { grownSince, type SavedCounts } from '../../metrics/counters.ts';
import { identityOf } from '../../protocol/orphans/process-identity.ts';
import { TAKEOVER_VARIABLE, type Takeover } from '../../protocol/takeover.ts';
import { type Giving, type GivingAction, type GivingInput, giving } from '../../supervisor/handover/giving.ts';
import type { Heritage } from '../../supervisor/handover/heritage.ts';
import type { CommandResult } from '../../supervisor/vocabulary/actions.ts';
import type { SupervisorEvent } from '../../supervisor/vocabulary/events.ts';
import { leaveAtOnce, standInFor } from './stand-in.ts';
import { type Estate, fromSuccessor, type ToSuccessor } from './talk.ts';

/** How a process is started that can take this one's place. */
export interface SuccessorPlan {
  /** tutti's program and its arguments. */
  args: readonly string[];
  cwd: string;
  /** In a session of its own. */
  detached: boolean;
  /** What it is told first. */
  greeting?: object;
  /** What its environment has that this process has not any more. */
  env?: () => Readonly<Record<string, string>>;
  /** It is the supervisor from now on: told before this one leaves. */
  handedOver?: (pid: number) => Promise<void>;
  /** Whoever started this process waits for its end: it stays until the successor has ended, passes signals on and ends like it. */
  stays: boolean;
}

export interface UpgradeWish {
  /** The node that runs the successor. Default: the one that runs this process. */
  node?: string | undefined;
  timeoutMs?: number | undefined;
}

interface Around {
  name: string;
  plan: SuccessorPlan | null;
  /** Why there can be no upgrade now, or null. */
  obstacle(): string | null;
  sockets(): HandedDescriptor[];
  heritage(): Heritage;
  estate(): Estate;
  /** How long a successor may take until it is ready. */
  prepareMs(): number;
  /** Where commands come in. Neither rejects. */
  doors: { letGo(): Promise<void>; openAgain(): Promise<void> };
  /** A successor that failed is dead: its workers drain, should they serve on. */
  endWorkersOf(pid: number): void;
  /** The sockets are another's: drain and end. */
  leave(): void;
  report(event: SupervisorEvent): void;
}

/** How long a successor may take from the offer of the sockets to its word that it has them. Chosen, not measured. */
const TAKE_MS = 15_000;

export class Handover {
  readonly #around: Around;
  #state: Giving = 'idle';
  #successor: ChildProcess | null = null;
  #deadline: NodeJS.Timeout | null = null;
  #answer: (result: CommandResult) => void = () => {};
  #node = process.execPath;
  #prepareMs = 0;
  #heirEnded: Promise<number> | null = null;
  /** The counts that were handed over. */
  #told: SavedCounts | null = null;

  constructor(around: Around) {
    this.#around = around;
  }

  /** Why no other command may begin, or null. */
  get obstacle(): string | null {
    if (this.#state === 'idle') return null;
    return this.#state === 'given' ? 'another supervisor has taken over' : 'an upgrade is under way';
  }

  /** Its exit code, where this process stays until the successor that has taken over ends; null: it does not. */
  get heirEnded(): Promise<number> | null {
    return this.#heirEnded;
  }

  /** Never rejects. Kept when the successor is the supervisor, or there will be none. */
  async upgrade({ node = process.execPath, timeoutMs }: UpgradeWish): Promise<CommandResult> {
    const obstacle = this.obstacle ?? this.#around.obstacle();
    if (obstacle !== null) {
      this.#around.report({ type: 'held-back', what: 'an upgrade', reason: obstacle });
      return { outcome: 'refused', reason: obstacle };
    }
    const program = this.#around.plan?.args[0] ?? '';
    if (!existsSync(program)) return failed(`the program of tutti is not there any more: ${program}`);
    this.#node = node;
    this.#prepareMs = timeoutMs ?? this.#around.prepareMs();
    const result = new Promise<CommandResult>((answered) => {
      this.#answer = answered;
    });
    this.#turn({ type: 'asked' });
    return result;
  }

  /** The app is told to stop. */
  stopping(): void {
    this.#turn({ type: 'stopping' });
  }

  #turn(input: GivingInput): void {
    const { state, actions } = giving(this.#state, input);
    this.#state = state;
    for (const action of actions) this.#act(action);
  }

  #act(action: GivingAction): void {
    switch (action.type) {
      case 'start':
        void this.#start();
        return;
      case 'kill':
        this.#kill();
        return;
      case 'offer':
        void this.#offer();
        return;
      case 'open-doors':
        void this.#around.doors.openAgain();
        return;
      case 'leave':
        void this.#leave();
        return;
      case 'fail':
        this.#around.report({ type: 'upgrade-failed', reason: action.reason });
        this.#answer(failed(action.reason));
    }
  }

  async #start(): Promise<void> {
    const { plan } = this.#around;
    if (plan === null) return;
    try {
      const { version } = await describeNode(this.#node);
      // An answer may have come from the app's stop meanwhile.
      if (this.#state !== 'preparing') return;
      const successor = this.#spawn(plan);
      this.#successor = successor;
      const gone = (how: string): void => {
        if (this.#successor === successor) this.#turn({ type: 'gone', how });
      };
      successor.once('error', (error) => gone(error.message));
      successor.once('exit', (code, signal) => gone(`the successor ended with ${signal ?? `exit code ${code}`}`));
      successor.on('message', (message) => this.#heard(successor, message));
      this.#dueIn(this.#prepareMs);
      if (successor.pid === undefined) return;
      if (plan.greeting !== undefined) successor.send(plan.greeting, () => {});
      this.#around.report({ type: 'upgrade-started', successor: successor.pid, node: `node v${version}` });
    } catch (error) {
      this.#turn({ type: 'gone', how: error instanceof Error ? error.message : String(error) });
    }
  }

  #spawn(plan: SuccessorPlan): ChildProcess {
    const { stdio, sockets } = placesFor(this.#around.sockets());
    const { lastGeneration, target } = this.#around.heritage();
    const takeover: Takeover = {
      ...{ schema: 1, reason: 'upgrade', name: this.#around.name, sockets },
      from: { pid: process.pid, born: identityOf(process.pid)?.born ?? '' },
      generation: lastGeneration,
      ...(target !== null && { workers: target }),
    };
    return spawn(this.#node, [...process.execArgv, ...plan.args], {
      cwd: plan.cwd,
      detached: plan.detached,
      env: { ...process.env, ...plan.env?.(), [TAKEOVER_VARIABLE]: JSON.stringify(takeover) },
      stdio,
    });
  }

  #heard(successor: ChildProcess, message: unknown): void {
    const said = fromSuccessor(message);
    if (said === null || successor !== this.#successor) return;
    if (said.tutti === 'failed') this.#turn({ type: 'said-failed', reason: said.reason });
    else this.#turn({ type: said.tutti === 'ready' ? 'said-ready' : 'said-taken' });
  }

  async #offer(): Promise<void> {
    this.#dueIn(TAKE_MS);
    await this.#around.doors.letGo();
    if (this.#state !== 'offered') return;
    const estate = this.#around.estate();
    this.#told = estate.counts;
    this.#say({ tutti: 'offered', estate });
  }

  async #leave(): Promise<void> {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    const successor = this.#successor;
    const pid = successor?.pid ?? 0;
    this.#answer({ outcome: 'done', detail: `process ${pid} is the supervisor now` });
    await this.#around.plan?.handedOver?.(pid);
    successor?.channel?.unref();
    if (successor !== null && this.#around.plan?.stays) this.#heirEnded = standInFor(successor);
    else successor?.unref();
    leaveAtOnce();
    this.#around.leave();
  }

  /** The own workers have ended: their last counts go to the successor. Kept when they are sent. */
  async farewell(counts: () => SavedCounts): Promise<void> {
    if (this.#state !== 'given' || this.#told === null) return;
    const grown = grownSince(this.#told, counts());
    await new Promise<void>((sent) => this.#say({ tutti: 'counted', counts: grown }, sent));
    if (this.#successor?.connected) this.#successor.disconnect();
  }

  #say(message: ToSuccessor, sent = () => {}): void {
    const isThere = this.#successor?.connected ?? false;
    if (isThere) this.#successor?.send(message, () => sent());
    else sent();
  }

  #kill(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    const successor = this.#successor;
    this.#successor = null;
    if (successor?.pid === undefined) return;
    const { pid } = successor;
    const ended = (): void => this.#around.endWorkersOf(pid);
    if (successor.exitCode !== null || successor.signalCode !== null) ended();
    else successor.once('exit', ended).kill('SIGKILL');
  }

  #dueIn(ms: number): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#turn({ type: 'late' }), ms);
  }
}

/** Those whose number counts keep it; the others, and the channel, take what is free. */
export function placesFor(descriptors: readonly HandedDescriptor[]): {
  stdio: StdioOptions;
  sockets: Takeover['sockets'];
} {
  const stdio: ('inherit' | 'ipc' | 'ignore' | number)[] = ['inherit', 'inherit', 'inherit'];
  const sockets: Takeover['sockets'] = [];
  const free = (): number => {
    for (let place = 3; ; place += 1) if (stdio[place] === undefined) return place;
  };
  const put = ({ fd, index, kept, pinned }: HandedDescriptor): void => {
    if (fd < 0) return;
    const place = pinned && fd >= 3 ? fd : free();
    stdio[place] = fd;
    sockets.push({ fd: place, index, kept });
  };
  for (const one of descriptors) if (one.pinned) put(one);
  stdio[free()] = 'ipc';
  for (const one of descriptors) if (!one.pinned) put(one);
  return { stdio: Array.from(stdio, (place) => place ?? 'ignore'), sockets };
}

function failed(reason: string): CommandResult {
  return { outcome: 'failed', reason, lastLines: [] };
}
