// The composition root: the only place that joins configuration, core and host. Runs in the primary, which is the user's own program or
// the command `tutti run`. It never ends the process and installs no signal handler unless asked.

import cluster from 'node:cluster';
import type { Route } from '../admin/api/target.ts';
import type { AdminServer } from '../admin/server/admin-server.ts';
import { type LoadedApp, loadGiven } from '../config/app.ts';
import { resolveEntry } from '../config/entry/entry.ts';
import type { AppOptions } from '../config/options.ts';
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
import { UnreadMessages } from '../host/process/unread-messages.ts';
import { Scratch } from '../host/scratch.ts';
import { hasTerminal, installSignals, type SignalCommands, signalTable } from '../host/signals.ts';
import { IncidentStore } from '../logs/incidents/incident-store.ts';
import { placeOf } from '../logs/workers/log-place.ts';
import { type AutoscaleTimes, defaultAutoscaleTimes } from '../supervisor/decide/autoscale.ts';
import { completeSnapshot } from '../supervisor/picture/core-snapshot.ts';
import type { Snapshot } from '../supervisor/picture/snapshot.ts';
import { Supervisor, type SupervisorOptions } from '../supervisor/supervisor.ts';
import type { SupervisorInput } from '../supervisor/vocabulary/inputs.ts';
import { version } from '../version.ts';
import { appWatch } from './automation/app-watch.ts';
import { balanceOf, waitingForRestart } from './fixed-options.ts';
import { IncidentCollector } from './incident-collector.ts';
import { asTuttiError } from './known-error.ts';
import { Observation } from './observation.ts';
import { endOrphans } from './orphans/orphans.ts';
import { Roster } from './orphans/roster.ts';
import { verdictOf, type WorkerExit } from './start-failure.ts';
import { type Supervision, SupervisionHandle } from './supervision.ts';
import { surroundings } from './surroundings.ts';
import type { Trace } from './trace.ts';
import { workerLog } from './worker-output.ts';
import { programOf } from './worker-program.ts';

/** A worker that takes long to start is no reason to be out of control. */
const CONTROL_AT_LATEST_MS = 200;

/** What `supervise()` takes: the options of a configuration file for one app, and how the program wants to live with it. */
export interface SuperviseOptions extends AppOptions {
  entry: string;
  /** True: TERM, INT, QUIT, HUP, TTIN and TTOU to this process are commands, as with `tutti run`. Default: false. */
  signals?: boolean;
  /** False: no control socket, so that the commands of tutti do not see this app. Default: true. */
  control?: boolean;
}

/** A piece of a worker's output. */
export interface WorkerOutput {
  slot: number | null;
  pid: number;
  generation: number;
  stream: 'stdout' | 'stderr';
  chunk: Buffer;
}

export interface LaunchOptions {
  signals: boolean;
  /**
   * Where the workers' output goes: to this process's own, untouched, or to a function. A configuration that names a log file, or a
   * format other than raw for an output that is no terminal, has it written by a log process instead.
   */
  output: 'inherit' | ((output: WorkerOutput) => void);
  /**
   * The control socket: `wanted` (default) is told in one line when it cannot be had; `required` comes before the workers and
   * ends the app without one; `none` opens nothing.
   */
  control?: 'wanted' | 'required' | 'none';
  /** True: what nobody catches in this process ends the app in order. Only for a process that does nothing else. */
  lastResort?: boolean;
  /** How fast `workers: min..max` follows the load; tests have no minutes to wait. */
  autoscaleTimes?: AutoscaleTimes;
}

/**
 * Runs the program on several processes that share its ports, and keeps it running. Returns at once; the workers start in the
 * background. Throws a TuttiError if an option or the entry cannot be used.
 */
export function supervise(options: SuperviseOptions): Supervision {
  const { signals = false, control = true, ...app } = options;
  if (cluster.isWorker) throw new TuttiError('ERR_NESTED', { entry: app.entry });
  return launch(loadGiven(app, surroundings()), { signals, output: 'inherit', control: control ? 'wanted' : 'none' });
}

/** Runs an app whose configuration is loaded; `tutti run` is this and a terminal. */
export function launch(
  app: LoadedApp,
  { signals, output, control = 'wanted', lastResort = false, autoscaleTimes }: LaunchOptions,
): Supervision {
  const { config } = app;
  const { TUTTI_TRACE: traceFile, ...env } = process.env;
  const generations = new Generations();
  const memory = new ProcessMemory();
  let current = app;
  let isStarted = false;
  let isEnded = false;
  let hasFailed = false;
  const early: SupervisorInput[] = [];
  let uninstallSignals = () => {};
  const uninstallLastResort = lastResort ? installLastResort((error) => void fail(error)) : () => {};
  let lastFailure: WorkerExit | null = null;
  const logScratch = new Scratch();
  const log = workerLog(config, output === 'inherit', {
    folder: () => logScratch.path(),
    report: (event) => handle.report(event),
    replaceWorkers: () => void handle.recycle(),
  });
  const incidents = new IncidentStore(orNone(() => incidentFolder(process.env, config.name)));
  const collector = new IncidentCollector({
    app: config.name,
    store: incidents,
    report: (event) => handle.report(observation.counted(event)),
    now: () => new Date(),
  });
  let admin: Promise<AdminServer | null> = Promise.resolve(null);
  const watch = appWatch(app, {
    env: process.env,
    notice: (level, message) => notice(level, message),
    reload: () => handle.reload(),
  });
  const unread = new UnreadMessages((sentence) => notice('warn', sentence));
  let stopSchedule = () => {};
  let trace: Trace | null = null;

  const roster = new Roster(process.env, config.name);

  const dataPlane = new PrimaryDataPlane({ balance: config.balance });
  const host = new NodeHost({
    generations,
    memory,
    roster,
    dataPlane,
    output: output === 'inherit' ? 'inherit' : 'pipe',
    connectOutput: log === null ? null : (worker) => log.connect(worker),
    outputOf: ({ slot, pid, generation }, stream, chunk) => {
      if (output !== 'inherit') output({ slot, pid, generation, stream, chunk });
    },
    reread: async () => {
      current = await current.reread();
      const waiting = waitingForRestart(config, current.config);
      if (waiting.length > 0) {
        const what = `the new value of ${waiting.join(', ')}`;
        handle.report({ type: 'held-back', what, reason: `only a restart of ${config.name} can apply it` });
      }
      const program = await programOf(current.config, env);
      return { program: { ...program, balance: balanceOf(config, current.config) }, policy: current.config };
    },
    dispatch: (input) => dispatch(input),
    report: (event) => {
      if (event.type === 'worker-exit' && event.reason !== 'planned') lastFailure = event;
      // The host's own; what else it says comes from the core.
      if (event.type === 'requests-replayed') observation.counted(event);
      handle.report(event);
      watch?.event(event);
      if (event.type === 'worker-exit') collector.exited(event);
    },
    answer: (id, result) => handle.answer(id, result),
    exit: (code, reason) => void end(code, reason),
    metricsAsked: config.admin !== null,
    autopsy: config.autopsy,
    inspectionFolder: orNone(() => inspectionFolder(process.env, config.name)),
    autopsied: (worker, autopsy) => collector.hung(worker, monotonicMs() - worker.startedAt, autopsy),
    ended: (pid, lastWords) => collector.ended(pid, lastWords),
    metrics: (...reply) => observation.appMetrics(...reply),
    said,
  });
  const observation = new Observation({
    snapshot,
    now: () => host.now(),
    requestCounts: () => dataPlane.requestCounts(),
    look: () => dataPlane.tellSigns(),
    askWorkers: (seq) => host.askMetrics(seq),
    warn: (message) => notice('warn', message),
  });
  const coreOptions: SupervisorOptions = {
    name: config.name,
    policy: config,
    generation1: { entry: resolveEntry(config.entry) },
    parallelStarts: Math.max(2, cpuAllowance().count),
    autoscaleTimes: autoscaleTimes ?? defaultAutoscaleTimes,
  };
  const coreHost = observation.watchActions(host);
  const supervisor = new Supervisor(coreOptions, coreHost);
  const handle = new SupervisionHandle(config.name, {
    dispatch: (command) => {
      if (isStarted) dispatch(command);
      else early.push(command);
    },
    snapshot,
    beforeCommand: () => host.verifyFiles(),
  });

  function dispatch(input: SupervisorInput): void {
    if (hasFailed) return;
    guarded(() => {
      observation.input(input);
      traced(input, () => supervisor.dispatch(input));
    });
  }

  function traced(input: SupervisorInput | null, act: () => void): void {
    if (trace === null) act();
    else trace.during(input, act);
  }

  function guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      void fail(error);
    }
  }

  /** This process cannot be trusted any more. The workers finish what they have, and nothing runs unsupervised after that. */
  async function fail(error: unknown): Promise<void> {
    if (hasFailed || isEnded) return;
    hasFailed = true;
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    notice('error', `tutti itself has failed, and ends when its workers have finished what they have: ${problem}`);
    await host.dismiss();
    await end(exitCodes.bug, problem, new TuttiError('ERR_INTERNAL', { problem }, { cause: error }));
  }

  function snapshot(): Snapshot {
    const now = host.now();
    const core = supervisor.snapshot();
    const answers = dataPlane.answers();
    return completeSnapshot(core, {
      pid: process.pid,
      version,
      config: current.file === null ? null : { file: current.file, position: current.position },
      node: generations.get(core.generation)?.nodeVersion ?? process.version,
      monotonicMs: now,
      wallMs: Date.now(),
      memory: (pid) => memory.of(pid, now),
      cpuMicros,
      answers: (worker) => answers.get(worker) ?? null,
      silentMs: (worker) => dataPlane.silentMs(worker),
    });
  }

  /** Without a trace the app runs as well. */
  async function openTrace(file: string): Promise<Trace | null> {
    try {
      const { openTraceFile, Trace } = await import('./trace.ts');
      return new Trace(openTraceFile(file), version, coreOptions, coreHost, supervisor.startedAt);
    } catch (error) {
      notice(
        'warn',
        `runs without a trace of the core, because TUTTI_TRACE=${file} cannot be written: ${String(error)}`,
      );
      return null;
    }
  }

  /** What the application tells a primary: Node's own word about files for the watch, and else nothing that anybody reads. */
  function said(message: unknown): void {
    const files = loadedFiles(message);
    if (files === null) unread.received(message);
    else for (const path of files) watch?.loaded(path);
  }

  /** What changes the app by itself; the workers do not wait for it. */
  async function openAutomation(): Promise<void> {
    await watch?.start();
    if (config.cron === null) return;
    const { schedule } = await import('./automation/schedule.ts');
    if (isEnded) return;
    const job = schedule(config.cron, async () => {
      const result = await handle.recycle(undefined, 'cron');
      if (result.outcome !== 'refused') return;
      handle.report({ type: 'held-back', what: 'the recycle by cron', reason: result.reason });
    });
    stopSchedule = job.stop;
  }

  function notice(level: 'info' | 'warn' | 'error', message: string): void {
    handle.report({ type: 'notice', level, message });
  }

  async function end(code: number, reason: string, error?: Error): Promise<void> {
    isEnded = true;
    stopSchedule();
    await watch?.close();
    await log?.close();
    logScratch.remove();
    roster.close();
    observation.end();
    await trace?.close();
    const verdict = error === undefined ? verdictOf(code, reason, lastFailure) : { code, error };
    const closed = admin
      .then(
        (server) => server?.close(),
        () => {},
      )
      // Last of all: a signal in this moment would end the process before its socket is gone.
      .finally(() => {
        uninstallSignals();
        uninstallLastResort();
      });
    handle.end({ code: verdict.code, reason: verdict.error?.message ?? reason }, verdict.error, closed);
  }

  /** Workers that start have the processors to themselves, for as long as that takes as a rule. */
  async function openControlSoon(): Promise<AdminServer | null> {
    await new Promise<void>((go) => {
      const late = setTimeout(go, CONTROL_AT_LATEST_MS);
      handle.ready
        .catch(() => {})
        .finally(() => {
          clearTimeout(late);
          go();
        });
    });
    return isEnded ? null : openControl();
  }

  /** Loaded here, when the workers have been started, because they do not need it. */
  async function openControl(): Promise<AdminServer> {
    const door = await import('./control/open-control.ts');
    const required = control === 'required';
    return door.openControl(handle, config, { required, extras: observation.extras, routes: moreRoutes });
  }

  /** Loaded when the control socket is asked for the first time. */
  async function moreRoutes(): Promise<Route[]> {
    const { incidentRoutes } = await import('./control/incident-routes.ts');
    const { inspectRoutes } = await import('./control/inspect-routes.ts');
    const routes = [...incidentRoutes(incidents), ...inspectRoutes((slot, wish) => host.inspect(slot, wish))];
    const { logFile: file, logFormat } = config;
    // What stands on stdout is read by whoever started this.
    if (file === null || (await placeOf(file)).descriptor !== null) return routes;
    const { logRoutes } = await import('./control/log-routes.ts');
    return [...routes, ...logRoutes({ file, format: logFormat ?? 'raw' })];
  }

  async function begin(): Promise<void> {
    try {
      const opened = log?.begin();
      opened?.catch(() => {}); // told below, if nothing else comes first
      generations.pin(1, await programOf(config, env));
      if (control === 'required') {
        admin = openControl();
        await admin;
      }
      await opened;
      await endOrphans(process.env, config.name, {
        tell: (message) => notice('warn', message),
        hurry: () => early.length > 0,
      });
    } catch (error) {
      host.release();
      const known = asTuttiError(error);
      void end(known.exitCode, known.message, known);
      return;
    }
    for (const message of [...app.fileWarnings, ...app.warnings]) notice('warn', message);
    if (traceFile) trace = await openTrace(traceFile);
    guarded(() => traced(null, () => supervisor.start()));
    isStarted = true;
    for (const command of early) dispatch(command);
    if (control === 'wanted') {
      // A page that somebody asked for is there when the app is.
      admin = (config.admin === null ? openControlSoon() : openControl()).catch((error: unknown) => {
        // Its files cannot be loaded, for example while an installation replaces them: the app runs on.
        notice('warn', `runs without a control socket, because it cannot be opened: ${String(error)}`);
        return null;
      });
    }
    openAutomation().catch((error: unknown) => notice('warn', `files and schedule are not watched: ${String(error)}`));
    if (config.admin !== null) observation.keepHistory();
  }

  if (signals) {
    const commands: SignalCommands = {
      stop: (fast, reason) => {
        if (hasFailed && fast) host.release();
        else void handle.stop({ fast }, reason);
      },
      reload: () => void handle.reload(),
      scale: (by) => void handle.scale({ by }),
      reopenLogs: () => log?.reopen(),
      meaningless: (signal) => notice('warn', `${signal} has no meaning to tutti; it is left alone`),
    };
    uninstallSignals = installSignals(signalTable(hasTerminal()), commands, () => host.signalled());
  }
  void begin();
  return handle;
}
