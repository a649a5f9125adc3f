// The real world of the core (primary): carries its actions out on processes, sockets, files and the clock, and turns what happens into
// inputs. It decides nothing.

import type { MemoryRoom } from '../supervisor/decide/headroom.ts';
import type { Host } from '../supervisor/host.ts';
import type { Action, WorkerId } from '../supervisor/vocabulary/actions.ts';
import type { SupervisorInput } from '../supervisor/vocabulary/inputs.ts';
import { Clock } from './clock.ts';
import { closePorts } from './close-ports.ts';
import { ChangedFiles } from './code/changed-files.ts';
import { pinGeneration } from './code/pin-generation.ts';
import type { InspectorAddress } from './look/autopsy.ts';
import { codeFrame } from './look/code-frame.ts';
import { type Inspection, Inspections, type InspectionWish } from './look/inspections.ts';
import { MetricsQuestion } from './look/metrics-question.ts';
import { probe } from './look/probe.ts';
import { OutOfMemoryKills } from './machine/cgroup.ts';
import { memorySize } from './machine/process-memory.ts';
import { WorkerMemory } from './machine/worker-memory.ts';
import type { NodeHostOptions } from './node-host-options.ts';
import { bootInfo } from './process/boot-info.ts';
import type { ConnectedOutput } from './process/connected-output.ts';
import { explainSpawnError } from './process/exit-explanation.ts';
import { forgetStillborn, forkWorker } from './process/fork.ts';
import { hasInspector, InspectPorts, whyNoInspector } from './process/inspect-ports.ts';
import { LoneSignals } from './process/lone-signals.ts';
import { PreloadNotices } from './process/preload-notices.ts';
import { type WorkerObserver, WorkerProcess } from './process/worker-process.ts';
import { Scratch } from './scratch.ts';
import { hasRoomForWorker } from './sockets/descriptors.ts';

/** A worker looks once a second whether it still has a primary. */
const NOTICE_MS = 2000;

export class NodeHost implements Host {
  readonly #options: NodeHostOptions;
  readonly #clock: Clock;
  readonly #scratch = new Scratch();
  readonly #workers = new Map<WorkerId, WorkerProcess>();
  readonly #inspectPorts = new InspectPorts();
  readonly #connected = new Map<WorkerId, ConnectedOutput>();
  /** Workers whose output is being connected. */
  readonly #awaited = new Set<WorkerId>();
  readonly #memory: WorkerMemory;
  readonly #loneSignals: LoneSignals;
  readonly #changedFiles: ChangedFiles;
  readonly #outOfMemoryKills = new OutOfMemoryKills();
  readonly #preloadNotices: PreloadNotices;
  readonly #metrics: MetricsQuestion;
  #released = false;
  readonly #inspections: Inspections;

  constructor(options: NodeHostOptions) {
    this.#options = options;
    this.#metrics = new MetricsQuestion(options.metricsAsked);
    this.#inspections = new Inspections(options.inspectionFolder);
    this.#memory = new WorkerMemory(options.memory);
    this.#preloadNotices = new PreloadNotices(options.report);
    this.#clock = new Clock(() => {
      options.dataPlane.tellSigns();
      options.dispatch({ type: 'tick' });
    });
    options.dataPlane.watchSigns((signs) => this.#observer.input({ type: 'workers-heard', signs }));
    this.#loneSignals = new LoneSignals((worker, signal) =>
      this.#observer.input({ type: 'worker-signalled', worker, signal }),
    );
    this.#changedFiles = new ChangedFiles(options.generations, (generation) =>
      this.#observer.input({ type: 'generation-changed-in-place', generation }),
    );
  }

  now(): number {
    return this.#clock.now();
  }

  random(): number {
    return Math.random();
  }

  memoryRoom(): MemoryRoom | null {
    return this.#memory.room([...this.#workers.values()], this.now());
  }

  /** Asks all workers that were heard of lately for the application's own metrics. */
  askMetrics(seq: number): { asked: WorkerId[]; quiet: WorkerId[] } {
    this.#options.dataPlane.tellSigns();
    return this.#metrics.ask(seq, this.#workers.values());
  }

  /** A look into the worker that serves in `slot`, while it serves. Never rejects. */
  inspect(slot: number, wish: InspectionWish): Promise<Inspection> {
    // The newest: in a reload two of one slot live at the same time.
    const worker = [...this.#workers.values()].filter((one) => one.slot === slot).at(-1);
    if (worker === undefined) return Promise.resolve({ ok: false, reason: `no worker lives in slot ${slot}` });
    const account = this.#options.generations.get(worker.generation)?.account ?? null;
    return this.#inspections.ask(worker, wish, account);
  }

  /** The primary itself got one of the signals that are often sent to a whole group of processes. */
  signalled(): void {
    this.#loneSignals.primaryGot();
  }

  perform(action: Action): void {
    const { report, answer, dataPlane } = this.#options;
    switch (action.type) {
      case 'fork':
        if (this.#options.connectOutput === null) this.#fork(action, this.#options.output);
        else void this.#forkConnected(action, this.#options.connectOutput);
        return;
      case 'admit':
        this.#options.heldBack.act(() => {
          this.#workers.get(action.worker)?.admit(action.slot);
          this.#options.dataPlane.admitted(action.worker);
          this.#connected.get(action.worker)?.admitted(action.slot);
          const accepting = { type: 'worker-accepting', worker: action.worker } as const;
          void dataPlane.accepting(action.worker).then(() => this.#observer.input(accepting));
        }, undefined);
        return;
      case 'probe':
        void this.#probe(action);
        return;
      case 'drain':
        this.#options.dataPlane.draining(action.worker);
        this.#workers.get(action.worker)?.drain(action.timeoutMs, action.stop);
        return;
      case 'terminate':
        dataPlane.draining(action.worker);
        this.#giveUpAwaited(action.worker);
        this.#workers.get(action.worker)?.terminate();
        return;
      case 'kill':
        this.#giveUpAwaited(action.worker);
        this.#workers.get(action.worker)?.kill();
        return;
      case 'measure-memory': {
        const { worker } = action;
        const size = memorySize(this.#workers.get(worker)?.pid ?? 0);
        this.#later({ type: 'worker-memory', worker, pssBytes: size?.pssBytes ?? null });
        return;
      }
      case 'autopsy':
        void this.#autopsy(action);
        return;
      case 'pin':
        void this.#pin(action.generation, action.from);
        return;
      case 'unpin':
        this.#options.generations.unpin(action.generation);
        this.#changedFiles.forget(action.generation);
        return;
      case 'close-ports':
      case 'close-slot-ports':
      case 'shut-ports':
        closePorts(action, dataPlane, report);
        return;
      case 'wake':
        this.#clock.wakeAt(action.at);
        return;
      case 'report':
        report(action.event);
        return;
      case 'answer':
        answer(action.id, action.result);
        return;
      case 'exit':
        this.release();
        this.#options.exit(action.code, action.reason);
    }
  }

  /** Tells the core of files that were overwritten, before it decides on anything else. */
  verifyFiles(): Promise<void> {
    return this.#changedFiles.look();
  }

  /** Gives back everything that this process holds for the app. Workers that still live are killed. */
  release(): void {
    for (const worker of this.#workers.values()) worker.kill();
    this.#giveBack();
  }

  /**
   * The same for a primary that cannot be trusted any more: its workers finish what they have and leave by themselves, as they do when it
   * is dead. Kept when all have ended; those that have not when their time is over are killed.
   */
  async dismiss(): Promise<void> {
    const workers = [...this.#workers.values()];
    this.#giveBack();
    const ends = workers.map(({ generation }) => this.#options.generations.get(generation)?.end);
    const longestMs = Math.max(0, ...ends.map((end) => (end?.drainTimeoutMs ?? 0) + (end?.stopTimeoutMs ?? 0)));
    const late = setTimeout(() => this.release(), longestMs + NOTICE_MS);
    await Promise.all(workers.map((worker) => worker.dismiss()));
    clearTimeout(late);
  }

  #giveBack(): void {
    if (this.#released) return;
    this.#released = true;
    this.#changedFiles.close();
    this.#loneSignals.close();
    this.#clock.clear();
    this.#options.dataPlane.close();
    this.#scratch.remove();
  }

  async #forkConnected(
    action: Extract<Action, { type: 'fork' }>,
    connect: NonNullable<NodeHostOptions['connectOutput']>,
  ): Promise<void> {
    const { worker, slot, generation } = action;
    this.#awaited.add(worker);
    const connected = await connect({ slot, generation });
    if (this.#awaited.delete(worker) && !this.#released) {
      this.#fork(action, connected ?? this.#options.output);
      const started = this.#workers.get(worker);
      if (started !== undefined && connected !== null) {
        this.#connected.set(worker, connected);
        connected.online(started.pid);
      }
    }
    connected?.stdout.destroy();
    connected?.stderr.destroy();
  }

  /** However long its output takes to be connected, nobody waits for it any more. */
  #giveUpAwaited(worker: WorkerId): void {
    if (this.#awaited.delete(worker)) this.#stillborn(worker, 'it was not wanted any more before it had started');
  }

  #fork(
    { worker: id, slot, generation: number, gated }: Extract<Action, { type: 'fork' }>,
    output: Parameters<typeof forkWorker>[0]['output'],
  ): void {
    const { generations, dataPlane } = this.#options;
    const generation = generations.get(number);
    if (generation === undefined) {
      this.#stillborn(id, `generation ${number} is not kept any more`);
      return;
    }
    const boot = bootInfo(generation, {
      ...{ worker: id, slot, gated: gated || this.#options.heldBack.isHeld },
      logged: output !== 'inherit',
      metricsAsked: this.#metrics.isWanted,
      scoreboard: dataPlane.enrol(id, generation.account?.uid ?? null),
      selfTest: dataPlane.selfTest,
      orphan: this.#options.orphan,
    });
    const failed = (error: NodeJS.ErrnoException) => {
      dataPlane.gone(id);
      this.#inspectPorts.release(id);
      this.#stillborn(id, explainSpawnError(error, generation.node ?? process.execPath, generation.cwd));
    };
    try {
      if (!hasRoomForWorker()) throw Object.assign(new Error('spawn EMFILE'), { code: 'EMFILE' });
      const inspectPort = this.#inspectPorts.take(id, generation.nodeArgs);
      const autopsy = this.#options.autopsy && output !== 'inherit' && !hasInspector(generation);
      const heapMib = this.#options.heapMib(generation.nodeArgs, generation.env.NODE_OPTIONS);
      const worker = forkWorker({ generation, slot, boot, output, inspectPort, autopsy, heapMib });
      if (worker.process.pid !== undefined) {
        const started = new WorkerProcess(worker, { id, slot, generation: number }, this.#observer);
        this.#workers.set(id, started);
        dataPlane.joined(started, generation);
        this.#options.roster.joined(started.pid, generation.end);
        return;
      }
      worker.once('error', (error) => {
        forgetStillborn(worker);
        failed(error);
      });
    } catch (error) {
      failed(error as NodeJS.ErrnoException);
    }
  }

  readonly #observer: WorkerObserver = {
    input: (input) => {
      if (input.type === 'worker-heartbeat' || input.type === 'worker-alive')
        this.#options.dataPlane.heard(input.worker);
      if (!this.#released) this.#options.dispatch(input);
    },
    data: (worker, message, handle) => this.#options.dataPlane.message(worker, message, handle),
    output: (worker, stream, chunk) => this.#options.outputOf(worker, stream, chunk),
    inspected: (message) => this.#inspections.answered(message),
    metrics: (worker, seq, metrics, leftOut) => this.#options.metrics(worker.id, seq, metrics, leftOut),
    signalled: (worker, signal, handled) => this.#loneSignals.workerGot(worker, signal, handled),
    selfTestFailed: (_worker, problem) => this.#preloadNotices.selfTestFailed(problem),
    failed: (worker, what, error) => this.#preloadNotices.failed(worker, what, error),
    gone: async (worker) => {
      this.#workers.delete(worker.id);
      this.#options.roster.left(worker.pid);
      this.#inspectPorts.release(worker.id);
      this.#connected.delete(worker.id);
      this.#inspections.gone(worker.id);
      const counts = this.#options.dataPlane.tally(worker.id);
      if (counts !== null) this.#observer.input({ type: 'worker-counted', worker: worker.id, counts });
      const replayed = this.#options.dataPlane.replayed(worker.id);
      const { slot, pid, generation } = worker;
      if (replayed > 0) this.#options.report({ type: 'requests-replayed', count: replayed, slot, pid, generation });
      this.#options.dataPlane.gone(worker.id);
      await this.#changedFiles.lookLately();
    },
    codeFrame: ({ generation }, error) => codeFrame(error, this.#options.generations.get(generation)?.cwd ?? '/'),
    ended: (worker, lastWords) => this.#options.ended(worker.pid, lastWords),
    said: (message) => this.#options.said(message),
    outOfMemory: () => this.#outOfMemoryKills.areMore(),
  };

  async #autopsy({ worker: id, timeoutMs }: Extract<Action, { type: 'autopsy' }>): Promise<void> {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    const inspector: InspectorAddress =
      this.#connected.get(id)?.inspector ?? ((signal) => Promise.resolve(worker.inspector(signal)));
    const isRead = this.#options.output !== 'inherit' || this.#connected.has(id);
    const forbidden = whyNoInspector(worker, this.#options.generations.get(worker.generation), isRead);
    try {
      // Loaded now: most primaries never need it.
      const { autopsy } = await import('./look/autopsy.ts');
      this.#options.autopsied(worker, await autopsy(worker.pid, { timeoutMs, inspector, forbidden }));
    } catch (error) {
      // Its file cannot be loaded, for example while an installation replaces it. The worker is replaced all the same.
      const message = `Worker ${worker.pid} cannot be looked into: ${String(error)}`;
      this.#options.report({ type: 'notice', level: 'warn', message });
    }
    this.#later({ type: 'worker-autopsy', worker: id, incident: null });
  }

  /** The core hears of it in a later turn, as of every other end. */
  #stillborn(worker: WorkerId, explanation: string): void {
    this.#later({ type: 'worker-exit', worker, code: null, signal: null, lastWords: { stderr: [], explanation } });
  }

  #later(input: SupervisorInput): void {
    setImmediate(() => this.#observer.input(input));
  }

  async #probe({ worker: id, path, timeoutMs }: Extract<Action, { type: 'probe' }>): Promise<void> {
    const worker = this.#workers.get(id);
    // Its exit is already an input, or will be.
    if (worker === undefined) return;
    const result = await probe(worker, { path, timeoutMs, folder: () => this.#scratch.path() });
    this.#observer.input({ type: 'worker-probe', worker: id, ...result });
  }

  async #pin(generation: number, from: Extract<Action, { type: 'pin' }>['from']): Promise<void> {
    const { generations, reread } = this.#options;
    const sources = { generations, reread, verifyFiles: () => this.verifyFiles() };
    this.#observer.input(await pinGeneration(generation, from, sources));
  }
}
