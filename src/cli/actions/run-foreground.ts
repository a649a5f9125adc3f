// The work of `tutti run`: loads the app, launches it, tells on stderr what happens, and ends with the code the supervisor ended with.

import { createColors } from 'picocolors';
import type { LaunchOptions } from '../../app/launch-options.ts';
import { type ServiceManager, takeServiceManager } from '../../app/service-manager.ts';
import { launch } from '../../app/supervise.ts';
import type { Supervision } from '../../app/supervision.ts';
import { surroundings } from '../../app/surroundings.ts';
import { sayFailed } from '../../app/takeover/arrival.ts';
import { inherit } from '../../app/takeover/inherited.ts';
import { type LoadedApp, loadApp } from '../../config/app.ts';
import { exitCodes, TuttiError } from '../../errors.ts';
import { OwnLog } from '../../logs/own/own-log.ts';
import { url } from '../../logs/own/sentences.ts';
import type { SteadyWriter } from '../../logs/own/steady-writer.ts';
import { visible } from '../../logs/own/visible.ts';
import { TerminalLabels } from '../../logs/workers/terminal-labels.ts';
import type { Snapshot } from '../../supervisor/picture/snapshot.ts';
import { AWAITED_AFTER_MS, awaitedLine } from '../awaited.ts';
import { stayLean } from '../own-memory.ts';
import { BESIDE_VARIABLE, takeBeside } from '../several/beside.ts';
import { appFlags, configFlag } from '../shared/app-options.ts';
import { steady } from '../steady-output.ts';
import { type Terminal, wantsColor } from '../terminal.ts';

export interface RunRequest {
  entry: string | undefined;
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
  terminal: Terminal;
}

export async function runForeground({ entry, args, options, terminal }: RunRequest): Promise<number> {
  const inherited = inherit(process.env);
  const openServiceManager = takeServiceManager(process.env);
  const beside = takeBeside(process.env);
  const around = surroundings(terminal.cwd, terminal.env);
  const app = await loadApp(
    { command: 'run', flags: appFlags(options), entry, args, configPath: configFlag(options), orphan: 'drain' },
    beside?.share(around) ?? around,
  ).catch(async (error: Error) => {
    await sayFailed(error.message);
    throw error;
  });
  const { config } = app;
  stayLean(config);
  const color = wantsColor(terminal, terminal.stderr);
  const stdout = steady(terminal.stdout);
  const stderr = steady(terminal.stderr);
  const log = new OwnLog(
    {
      write: (text) => stderr.write(terminal.stderr.isTTY ? visible(text) : text),
      format: config.json || config.logFormat === 'json' ? 'json' : 'plain',
      color,
      name: config.name,
      clock: () => new Date(),
    },
    // A reload of every worker, a few times a minute, is no flood.
    Math.max(10, config.workers.max * 4),
  );
  const labels = labelsFor(app, terminal, { stdout, stderr });
  const output: LaunchOptions['output'] = labels === null ? 'inherit' : (piece) => labels.push(piece);
  let serviceManager: ServiceManager | null = null;
  const supervision = launch(app, {
    ...{ signals: true, output, lastResort: true, inherited },
    successor: {
      args: process.argv.slice(1),
      cwd: process.cwd(),
      detached: false,
      env: () => ({
        ...serviceManager?.forSuccessor,
        ...(beside !== null && { [BESIDE_VARIABLE]: String(beside.apps) }),
      }),
      handedOver: async (pid) => serviceManager?.handOver(pid),
      // A service manager is told who the main process is now; a shell or a container waits for the one that it started.
      stays: openServiceManager === null,
    },
  });
  beside?.watch(() => void supervision.stop());
  const predecessor = inherited?.takeover?.reason === 'upgrade' ? inherited.takeover.from : null;
  const toServiceManager = (): void => {
    serviceManager = openServiceManager?.(supervision, (message) => log.line('warn', message), predecessor) ?? null;
  };
  // Until it has taken over the app is the old supervisor's: the STOPPING=1 of a successor that fails would end the whole service.
  if (predecessor !== null) supervision.once('upgrade-finished', toServiceManager);
  else toServiceManager();
  finishInPeace();
  supervision.on('event', (event) => {
    if (event.type === 'state' && event.state === 'starting') log.line('info', opening(app));
    if (event.type === 'worker-exit' && event.pid !== null) labels?.ended(event.pid);
    log.event(event);
  });
  const awaited = setTimeout(() => {
    const text = awaitedLine(supervision.snapshot(), config);
    if (text !== null) log.line('info', text);
  }, AWAITED_AFTER_MS).unref();
  let failure: unknown = null;
  supervision.ready.finally(() => clearTimeout(awaited)).catch(() => {});
  supervision.ready.then(
    () => welcome(supervision, log, terminal),
    (error: unknown) => {
      failure = error;
    },
  );

  const { code, reason } = await supervision.stopped;
  const told = failure instanceof TuttiError && failure.exitCode === code;
  if (!told) log.line(...lastLine(code, reason));
  await Promise.all([stdout.end(), stderr.end()]);
  if (told) throw config.logFile === null && !config.json ? withoutLines(failure) : failure;
  return code;
}

/** What the workers wrote is on this terminal already. */
function withoutLines(failure: unknown): unknown {
  if (!(failure instanceof TuttiError) || failure.code !== 'ERR_NEVER_READY') return failure;
  return new TuttiError('ERR_NEVER_READY', { ...(failure as TuttiError<'ERR_NEVER_READY'>).details, shown: true });
}

/** The supervision gives the signals back when the app has ended. What is left – the socket, the last lines – must not be cut off then. */
function finishInPeace(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const) process.on(signal, () => {});
}

function lastLine(code: number, reason: string): ['info' | 'error', string] {
  return code === exitCodes.stopped
    ? ['info', `stopped: ${reason}`]
    : ['error', `ended with exit code ${code}: ${reason}`];
}

/** Lines are labelled only for a person at a terminal; elsewhere the workers write where the primary would. */
function labelsFor(
  { config }: LoadedApp,
  terminal: Terminal,
  to: Record<'stdout' | 'stderr', SteadyWriter>,
): TerminalLabels | null {
  const wanted = config.logFormat === 'pretty' || config.logFormat === null;
  if (!wanted || config.logFile !== null || terminal.stdout.isTTY !== true || terminal.stderr.isTTY !== true)
    return null;
  return new TerminalLabels(wantsColor(terminal, terminal.stdout), (stream, text) => to[stream].write(text));
}

function opening({ config, file }: LoadedApp): string {
  const from = file === null ? '' : `, configured in ${file}`;
  return `${config.name}: ${workersText(config.workers)}, primary ${process.pid}, node ${process.version}${from}`;
}

function workersText({ min, max }: { min: number; max: number }): string {
  if (min !== max) return `${min} to ${max} workers`;
  return min === 1 ? '1 worker' : `${min} workers`;
}

/** Where it serves, and to a person what to try. */
function welcome(supervision: Supervision, log: OwnLog, terminal: Terminal): void {
  const snapshot = supervision.snapshot();
  const urls = snapshot.listeners.map(url).filter((address) => address !== null);
  log.line('info', `ready${urls.length === 0 ? '' : `: ${urls.join(' ')}`}`);
  if (terminal.stderr.isTTY !== true) return;
  for (const hint of hints(snapshot, urls[0], wantsColor(terminal, terminal.stderr))) log.line('info', hint);
}

function hints({ workers }: Snapshot, address: string | undefined, color: boolean): string[] {
  const { dim } = createColors(color);
  const victim = workers.find((worker) => worker.pid !== null)?.pid;
  const rows: [string, string][] = [['Ctrl-C', 'finishes what is in flight and stops; twice: at once']];
  if (victim !== undefined && victim !== null) rows.unshift([`kill -9 ${victim}`, 'a new worker takes its place']);
  if (address !== undefined) rows.unshift([`open ${address} twice`, 'different workers may answer']);
  const width = Math.max(...rows.map(([what]) => what.length));
  return rows.map(([what, why]) => `  ${what.padEnd(width)}  ${dim(why)}`);
}
