// The program of the process that `tutti start` puts into the background: a supervisor without a terminal. It is told over the
// IPC channel what to run, tells how the first start ended, and lets the channel go. Its stdout and stderr are files.

import { setTimeout as delay } from 'node:timers/promises';
import { asTuttiError } from '../app/known-error.ts';
import { launch } from '../app/supervise.ts';
import type { Supervision } from '../app/supervision.ts';
import { surroundings } from '../app/surroundings.ts';
import { sayFailed } from '../app/takeover/arrival.ts';
import { inherit } from '../app/takeover/inherited.ts';
import { type LoadedApp, loadApp } from '../config/app.ts';
import { exitCodes, type TuttiError } from '../errors.ts';
import { appPaths } from '../files/state-folder.ts';
import { OwnLog } from '../logs/own/own-log.ts';
import { sentence } from '../logs/own/sentences.ts';
import type { Asides, BootReport } from './actions/launch-in-background.ts';
import { AWAITED_AFTER_MS, awaitedLine } from './awaited.ts';
import { stayLean } from './own-memory.ts';
import { type LaunchRecord, launchRequest, recordFailure, recordLate } from './shared/launch-record.ts';
import { supervisorCommand } from './shared/supervisor-command.ts';
import { steady } from './steady-output.ts';
import { terminalOf } from './terminal.ts';

/** In that time it shows whether a file that was named takes what a program writes when it begins to serve. */
const FIRST_LINES_MS = 250;

/** What whoever started this process waits for has left it. */
let told = Promise.resolve();

void toldToRun()
  .then(runInBackground)
  .then(async (exitCode) => {
    process.exitCode = exitCode;
    await told;
    // It may have left the app to its workers, with all that it holds. An end in order would remove the paths of their unix sockets.
    if (exitCode === exitCodes.bug) process.exit();
  });

/** Whoever started this process may be gone before it has said what to run. */
function toldToRun(): Promise<LaunchRecord> {
  return new Promise((resolve) => {
    process.once('message', (message) => resolve(message as LaunchRecord));
    process.once('disconnect', () => process.exit(1));
  });
}

async function runInBackground(record: LaunchRecord): Promise<number> {
  process.removeAllListeners('disconnect');
  const inherited = inherit(process.env);
  const isSuccessor = inherited?.takeover?.reason === 'upgrade';
  // What a successor has to say, it says by the hand-over.
  const tell = isSuccessor ? () => {} : report;
  const stderr = steady(terminalOf(process).stderr);
  const log = new OwnLog({
    write: (text) => stderr.write(text),
    format: 'plain',
    color: false,
    timed: true,
    name: record.name,
    clock: () => new Date(),
  });
  try {
    const loaded = await load(record);
    const wished = loaded.config.logFile;
    const app = withLogFile(loaded);
    stayLean(app.config);
    const supervision = launch(app, {
      ...{ signals: true, output: 'inherit', control: 'required', lastResort: true },
      revival: supervisorCommand(record, process.env),
      inherited,
      successor: {
        ...{ args: process.argv.slice(1), cwd: record.cwd, detached: true, greeting: record },
        stays: false,
      },
    });
    // Whoever waited for it was interrupted, and cannot write down what came of it.
    const isForgotten = (): boolean => inherited === null && !process.connected;
    const asides = listen(supervision, log);
    // The parent of one that is started with the sockets of orphans is a worker, and understands only the end.
    if (inherited === null) tellWhatIsAwaited(supervision, app.config);
    supervision.ready.then(
      async () => {
        if (wished !== null) await asides.firstLines();
        const { logFile } = app.config;
        if (isForgotten()) recordLate(process.env, { ...record, logFile });
        tell({ type: 'ready', snapshot: supervision.snapshot(), logFile, ...asides.told() });
      },
      (error: unknown) => {
        const isAlone = isForgotten();
        const known = reportFailure(error, tell);
        if (isAlone) recordFailure(process.env, record, known);
      },
    );
    const { code, reason } = await supervision.stopped;
    log.line(
      code === 0 ? 'info' : 'error',
      code === 0 ? `stopped: ${reason}` : `ended with exit code ${code}: ${reason}`,
    );
    return code;
  } catch (error) {
    const known = reportFailure(error, tell);
    if (isSuccessor) await sayFailed(known.message);
    log.line('error', `${known.message} ${known.remedy}`);
    return known.exitCode;
  } finally {
    await stderr.end();
  }
}

function tellWhatIsAwaited(supervision: Supervision, config: LoadedApp['config']): void {
  setTimeout(() => {
    const text = awaitedLine(supervision.snapshot(), config);
    if (text !== null && process.connected) process.send?.({ type: 'awaits', text } satisfies BootReport, () => {});
  }, AWAITED_AFTER_MS).unref();
}

/** Writes the events to the log, and keeps what whoever started the app has to know. */
function listen(supervision: Supervision, log: OwnLog): { told(): Asides; firstLines(): Promise<void> } {
  let page: string | null = null;
  const problems: string[] = [];
  let warnings: string[] = [];
  const lost = new Promise<void>((resolve) => supervision.once('output-lost', () => resolve()));
  supervision.on('event', (event) => {
    log.event(event);
    const { text } = sentence(event);
    if (event.type === 'admin-port') {
      page = event.url;
      if (page === null) problems.push(text);
    } else if (event.type === 'output-lost') warnings = [text];
    else if (event.type === 'output-restored') warnings = [];
  });
  return {
    told: () => ({ page, problems, warnings }),
    firstLines: () => Promise.race([lost, delay(FIRST_LINES_MS)]),
  };
}

/** Nobody looks at this process's output, so it goes where tutti logs finds it. */
function withLogFile(app: LoadedApp): LoadedApp & { config: { logFile: string } } {
  const { config, reread } = app;
  const logFile = config.logFile ?? appPaths(process.env, config.name).log;
  return {
    ...app,
    config: { ...config, logFile, logFormat: config.logFormat ?? 'json' },
    reread: async () => withLogFile(await reread()),
  };
}

function load(record: LaunchRecord): Promise<LoadedApp> {
  return loadApp(launchRequest(record), surroundings(record.cwd, { ...process.env }));
}

function reportFailure(error: unknown, tell: typeof report): TuttiError {
  const known = asTuttiError(error);
  tell({ type: 'failed', code: known.code, details: known.details });
  return known;
}

/** Said once; nobody may be there to hear it. */
function report(message: BootReport): void {
  if (!process.connected) return;
  told = new Promise((sent) => {
    process.send?.(message, () => {
      if (process.connected) process.disconnect();
      sent();
    });
  });
}
