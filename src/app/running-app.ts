// The composition root: the only place that joins configuration, core and host. Runs in the primary, which is the user's own program or
// the command `tutti run`.

import type { LoadedApp } from '../config/app.ts';
import { resolveEntry } from '../config/entry/entry.ts';
import type { Config } from '../config/options.ts';
import { exitCodes, TuttiError } from '../errors.ts';
import { incidentFolder, inspectionFolder, orNone } from '../files/state-folder.ts';
import { Generations } from '../host/code/generations.ts';
import { loadedFiles } from '../host/code/loaded-files.ts';
import { PrimaryDataPlane } from '../host/connections/primary-data-plane.ts';
import { installLastResort } from '../host/last-resort.ts';
import { cpuAllowance } from '../host/machine/cgroup.ts';
import { cpuMicros } from '../host/machine/process-cpu.ts';
import { ProcessMemory } from '../host/machine/process-memory.ts';
import { monotonicMs } from '../host/monotonic.ts';
import { NodeHost } from '../host/node-host.ts';
import type { NodeHostOptions } from '../host/node-host-options.ts';
import { UnreadMessages } from '../host/process/unread-messages.ts';
import { Scratch } from '../host/scratch.ts';
import { IncidentStore } from '../logs/incidents/incident-store.ts';
import type { WorkerLog } from '../logs/workers/worker-log.ts';
import type { OrphanOrders } from '../protocol/orphans/orders.ts';
import { defaultAutoscaleTimes } from '../supervisor/decide/autoscale.ts';
import { completeSnapshot } from '../supervisor/picture/core-snapshot.ts';
import type { Snapshot } from '../supervisor/picture/snapshot.ts';
import type { SupervisorEvent } from '../supervisor/vocabulary/events.ts';
import type { SupervisorInput } from '../supervisor/vocabulary/inputs.ts';
import { version } from '../version.ts';
import { Automation } from './automation/automation.ts';
import { AppControl } from './control/control.ts';
import { Observation } from './core/observation.ts';
import { ObservedCore } from './core/observed-core.ts';
import { balanceOf, heldBack, waitingForRestart } from './fixed-options.ts';
import { IncidentCollector } from './incident-collector.ts';
import { asTuttiError } from './known-error.ts';
import type { LaunchOptions } from './launch-options.ts';
import { obeySignals } from './obey-signals.ts';
import { orphanOrders } from './orphans/orders.ts';
import { Roster } from './orphans/roster.ts';
import { Succession } from './orphans/succession.ts';
import { verdictOf, type WorkerExit } from './start-failure.ts';
import { SupervisionHandle } from './supervision.ts';
import { Upgrading } from './takeover/upgrading.ts';
import { workerLog } from './worker-output.ts';
import { programOf, rootWarning } from './worker-program.ts';

/**
 * One supervised app in this process. Its constructor throws a TuttiError if the entry cannot be used, and touches nothing outside; what
 * it makes refers to each other, and nothing of it acts before `start()`. The app ends by a command, by the core's decision, or because
 * tutti itself has failed. Then everything it held is given back: workers, sockets, files, timers, signal handlers. It never ends the
 * process, and installs no signal handler unless asked.
 */
export class RunningApp {
  readonly handle: SupervisionHandle;
  /** As the app was started. What a reload reads is in `#current`. */
  readonly #config: Config;
  readonly #options: LaunchOptions;
  /** As this process was started, without what is meant for tutti alone. */
  readonly #env: NodeJS.ProcessEnv;
  readonly #traceFile: string | undefined;
  readonly #generations = new Generations();
  readonly #memory = new ProcessMemory();
  readonly #logScratch = new Scratch();
  readonly #log: WorkerLog | null;
  readonly #incidents: IncidentStore;
  readonly #collector: IncidentCollector;
  readonly #automation: Automation;
  readonly #unread: UnreadMessages;
  readonly #orphan: OrphanOrders | null;
  readonly #roster: Roster;
  readonly #succession: Succession;
  readonly #dataPlane: PrimaryDataPlane;
  readonly #host: NodeHost;
  readonly #observation: Observation;
  readonly #core: ObservedCore;
  readonly #control: AppControl;
  readonly #upgrading: Upgrading;
  #current: LoadedApp;
  /** `failed`: this process cannot be trusted any more, and waits for its workers to leave. */
  #state: 'starting' | 'supervising' | 'failed' | 'ended' = 'starting';
  /** Commands that came before the core could take them. */
  #early: SupervisorInput[] = [];
  #lastFailure: WorkerExit | null = null;
  #uninstall: (() => void)[] = [];
  #warnings: string[];

  constructor(app: LoadedApp, options: LaunchOptions) {
    const { config } = app;
    const { TUTTI_TRACE: traceFile, ...env } = process.env;
    const report = (event: SupervisorEvent) => this.handle.report(event);
    this.#config = config;
    this.#current = app;
    this.#warnings = [...app.fileWarnings, ...app.warnings];
    this.#options = options;
    this.#env = env;
    this.#traceFile = traceFile;
    this.handle = new SupervisionHandle(config.name, {
      dispatch: (command) => (this.#state === 'starting' ? void this.#early.push(command) : this.#dispatch(command)),
      snapshot: () => this.#snapshot(),
      beforeCommand: () => this.#host.verifyFiles(),
      obstacle: (command) => this.#upgrading.obstacle(command),
    });
    this.#log = workerLog(config, options.output === 'inherit', {
      folder: () => this.#logScratch.path(),
      report,
      replaceWorkers: () => void this.handle.recycle(),
    });
    this.#incidents = new IncidentStore(orNone(() => incidentFolder(process.env, config.name)));
    this.#collector = new IncidentCollector({
      app: config.name,
      store: this.#incidents,
      report: (event) => report(this.#observation.counted(event)),
      now: () => new Date(),
    });
    this.#automation = new Automation(app, {
      ...{ app: () => this.#current, dispatch: (input: SupervisorInput) => this.#dispatch(input) },
      env: process.env,
      notice: (level, message) => this.#notice(level, message),
      report,
      reload: () => this.handle.reload(),
      recycle: () => this.handle.recycle(undefined, 'cron'),
    });
    this.#unread = new UnreadMessages((sentence) => this.#notice('warn', sentence));
    this.#orphan = orphanOrders(app, process.env, options.revival ?? null, (message) => this.#warnings.push(message));
    const { takeover = null } = options.inherited ?? {};
    const serveMs = this.#orphan?.timeoutMs ?? 0;
    this.#roster = new Roster(process.env, config.name, { serveMs, heritage: () => this.#core.heritage(), takeover });
    this.#succession = new Succession({
      ...{ env: process.env, name: config.name, report },
      takeover,
      hurry: () => this.#early.length > 0,
    });
    this.#upgrading = new Upgrading(config, options, () => ({
      ...{ handle: this.handle, core: this.#core, observation: this.#observation, generations: this.#generations },
      ...{
        dataPlane: this.#dataPlane,
        control: this.#control,
        automation: this.#automation,
        succession: this.#succession,
      },
      ...{ snapshot: () => this.#snapshot(), dispatch: (input) => this.#dispatch(input) },
      obeyNoMore: () => this.#uninstall.pop()?.(),
    }));
    this.#dataPlane = new PrimaryDataPlane({
      heldBack: this.#upgrading.heldBack,
      balance: config.balance,
      inherited: options.inherited?.sockets ?? null,
      claim: (place) => this.#succession.claim(place),
      onRefused: (refused) => report({ type: 'slot-port-refused', ...refused }),
    });
    this.#host = new NodeHost(this.#hostOptions());
    this.#observation = new Observation({
      snapshot: () => this.#snapshot(),
      now: () => this.#host.now(),
      requestCounts: () => this.#dataPlane.requestCounts(),
      look: () => this.#dataPlane.tellSigns(),
      askWorkers: (seq) => this.#host.askMetrics(seq),
      warn: (message) => this.#notice('warn', message),
    });
    const coreOptions = {
      name: config.name,
      policy: config,
      generation1: { entry: resolveEntry(config.entry), number: this.#upgrading.firstGeneration },
      target: this.#upgrading.target,
      parallelStarts: Math.max(2, cpuAllowance().count),
      autoscaleTimes: options.autoscaleTimes ?? defaultAutoscaleTimes,
    };
    this.#core = new ObservedCore(coreOptions, this.#host, this.#observation, (error) => void this.#fail(error));
    this.#control = new AppControl(this.handle, {
      config,
      extras: this.#observation.extras,
      incidents: this.#incidents,
      inspect: (slot, wish) => this.#host.inspect(slot, wish),
      upgrade: (wish) => this.#upgrading.handover.upgrade(wish),
      isWanted: () => this.#state !== 'ended',
    });
  }

  /** Once. The workers start in the background; what becomes of that is told by `handle`. */
  start(): void {
    const { signals, lastResort = false } = this.#options;
    if (lastResort) this.#uninstall.push(installLastResort((error) => void this.#fail(error)));
    if (signals) this.#uninstall.push(this.#obeySignals());
    this.#upgrading.begin();
    void this.#begin();
  }

  async #begin(): Promise<void> {
    const { control = 'wanted' } = this.#options;
    try {
      await this.#prepare(control === 'required' && !this.#upgrading.isSuccessor);
    } catch (error) {
      this.#host.release();
      const known = asTuttiError(error);
      void this.#end(known.exitCode, known.message, known);
      return;
    }
    for (const message of [...this.#warnings, ...rootWarning(this.#config)]) this.#notice('warn', message);
    if (this.#traceFile) await this.#core.trace(this.#traceFile, (message) => this.#notice('warn', message));
    if (this.#state !== 'starting') return;
    this.#state = 'supervising';
    this.#core.start();
    this.#automation.sizing.tell(this.#generations.get(this.#upgrading.firstGeneration)?.env.NODE_OPTIONS);
    for (const command of this.#early) this.#dispatch(command);
    if (control === 'wanted' && !this.#upgrading.isSuccessor) this.#control.openBeside();
    this.#upgrading.heldBack.act(() => void this.#automation.start(), undefined);
    if (this.#config.admin !== null) this.#observation.keepHistory();
  }

  /** What must be there before the first worker. Rejects with the reason why the app cannot start. */
  async #prepare(controlFirst: boolean): Promise<void> {
    const opened = this.#log?.begin();
    opened?.catch(() => {}); // told below, if nothing else comes first
    this.#generations.pin(this.#upgrading.firstGeneration, await programOf(this.#config, this.#env));
    if (controlFirst) await this.#control.openFirst();
    await opened;
    await this.#succession.begin();
  }

  #obeySignals(): () => void {
    return obeySignals(this.handle, {
      hasFailed: () => this.#state === 'failed',
      release: () => this.#host.release(),
      reopenLogs: () => this.#log?.reopen(),
      upgrade: () => void this.#upgrading.handover.upgrade({}),
      seen: () => this.#host.signalled(),
    });
  }

  #hostOptions(): NodeHostOptions {
    const { output } = this.#options;
    const { name, admin, autopsy } = this.#config;
    const log = this.#log;
    return {
      generations: this.#generations,
      memory: this.#memory,
      roster: this.#roster,
      orphan: this.#orphan,
      dataPlane: this.#dataPlane,
      output: output === 'inherit' ? 'inherit' : 'pipe',
      heldBack: this.#upgrading.heldBack,
      connectOutput: log === null ? null : (worker) => log.connect(worker),
      outputOf: ({ slot, pid, generation }, stream, chunk) => {
        if (output !== 'inherit') output({ slot, pid, generation, stream, chunk });
      },
      reread: () => this.#reread(),
      dispatch: (input) => this.#dispatch(input),
      report: (event) => this.#reported(event),
      answer: (id, result) => this.handle.answer(id, result),
      exit: (code, reason) => void this.#end(code, reason),
      metricsAsked: admin !== null,
      heapMib: (nodeArgs, nodeOptions) => this.#automation.sizing.heapMib(nodeArgs, nodeOptions),
      autopsy,
      inspectionFolder: orNone(() => inspectionFolder(process.env, name)),
      autopsied: (worker, seen) => this.#collector.hung(worker, monotonicMs() - worker.startedAt, seen),
      ended: (pid, lastWords) => this.#collector.ended(pid, lastWords),
      metrics: (...reply) => this.#observation.appMetrics(...reply),
      said: (message) => this.#said(message),
    };
  }

  async #reread(): ReturnType<NodeHostOptions['reread']> {
    const started = this.#config;
    this.#current = await this.#current.reread();
    const { config } = this.#current;
    const waiting = waitingForRestart(started, config);
    if (waiting.length > 0) this.handle.report(heldBack(started.name, waiting, this.#options.successor ?? null));
    const program = await programOf(config, this.#env);
    return { program: { ...program, balance: balanceOf(started, config) }, policy: config };
  }

  #dispatch(input: SupervisorInput): void {
    if (this.#state !== 'failed') this.#core.dispatch(input);
  }

  #reported(event: SupervisorEvent): void {
    const isExit = event.type === 'worker-exit';
    if (isExit && event.reason !== 'planned') this.#lastFailure = event;
    // The host's own; what else it says comes from the core.
    if (event.type === 'requests-replayed') this.#observation.counted(event);
    this.handle.report(event);
    this.#automation.event(event);
    this.#roster.heard(event);
    if (isExit) this.#collector.exited(event);
  }

  /** What the application tells a primary: Node's own word about files for the watch, and else nothing that anybody reads. */
  #said(message: unknown): void {
    const files = loadedFiles(message);
    if (files === null) this.#unread.received(message);
    else for (const path of files) this.#automation.loaded(path);
  }

  #notice(level: 'info' | 'warn' | 'error', message: string): void {
    this.handle.report({ type: 'notice', level, message });
  }

  #snapshot(): Snapshot {
    const now = this.#host.now();
    const core = this.#core.snapshot();
    const answers = this.#dataPlane.answers();
    const { file, position } = this.#current;
    return completeSnapshot(core, {
      pid: process.pid,
      version,
      config: file === null ? null : { file, position },
      node: this.#generations.get(core.generation)?.nodeVersion ?? process.version,
      monotonicMs: now,
      wallMs: Date.now(),
      memory: (pid) => this.#memory.of(pid, now),
      cpuMicros,
      answers: (worker) => answers.get(worker) ?? null,
      silentMs: (worker) => this.#dataPlane.silentMs(worker),
    });
  }

  /** This process cannot be trusted any more. It holds its workers no longer, where these start another supervisor; else it ends them. */
  async #fail(error: unknown): Promise<void> {
    if (this.#state === 'failed' || this.#state === 'ended') return;
    this.#state = 'failed';
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const isRevived = this.#orphan?.revival != null && this.handle.wasReady;
    const end = isRevived ? 'leaves the app to its workers' : 'ends when its workers have finished what they have';
    this.#notice('error', `tutti itself has failed, and ${end}: ${problem}`);
    if (isRevived) return this.handle.end({ code: exitCodes.bug, reason: problem }, undefined);
    await this.#host.dismiss();
    await this.#end(exitCodes.bug, problem, new TuttiError('ERR_INTERNAL', { problem }, { cause: error }));
  }

  /** The host holds nothing for the app any more. Gives back the rest, in the order in which it could still be needed. */
  async #end(code: number, reason: string, error?: Error): Promise<void> {
    this.#state = 'ended';
    await this.#automation.close();
    await this.#log?.close();
    this.#logScratch.remove();
    this.#roster.close();
    await this.#succession.end(code === exitCodes.stopped);
    await this.#upgrading.handover.farewell(() => this.#observation.save());
    await this.#core.close();
    const verdict = error === undefined ? verdictOf(code, reason, this.#lastFailure) : { code, error };
    // Last of all: a signal in this moment would end the process before its socket is gone.
    const closed = this.#control.close().finally(() => {
      for (const uninstall of this.#uninstall) uninstall();
    });
    verdict.code = (await this.#upgrading.handover.heirEnded) ?? verdict.code;
    this.handle.end({ code: verdict.code, reason: verdict.error?.message ?? reason }, verdict.error, closed);
  }
}
