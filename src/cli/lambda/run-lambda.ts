// The work of `tutti lambda`: supervises the app as `tutti run` does, and serves the invocations of a Lambda function with it.

import { setTimeout as delay } from 'node:timers/promises';
import { launch } from '../../app/supervise.ts';
import type { Supervision } from '../../app/supervision.ts';
import { surroundings } from '../../app/surroundings.ts';
import { type LoadedApp, loadApp } from '../../config/app.ts';
import { exitCodes, type Problem, TuttiError } from '../../errors.ts';
import { failureOf, Invocations, type InvocationsOptions, type ServedApp } from '../../lambda/runtime/invocations.ts';
import { RuntimeApi } from '../../lambda/runtime/runtime-api.ts';
import { addressesOf } from '../../lambda/translate/address.ts';
import { concurrencyOf, initWaitMs, isManaged } from '../../lambda/translate/limits.ts';
import { normalBasePath } from '../../lambda/translate/target.ts';
import { OwnLog } from '../../logs/own/own-log.ts';
import { appFlags, configFlag } from '../shared/app-options.ts';
import { steady } from '../steady-output.ts';
import type { Terminal } from '../terminal.ts';

export interface LambdaRequest {
  entry: string | undefined;
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
  terminal: Terminal;
}

/** Nothing is in flight where one request is served at a time: this is for the program's own end, for which Lambda has up to two seconds. */
const shortEnd = { drainTimeoutMs: 500, stopTimeoutMs: 1500 };
/** A worker whose death has broken a request off is reported dead as soon as this. */
const DEATH_WITHIN_MS = 100;

export async function runLambda({ entry, args, options, terminal }: LambdaRequest): Promise<number> {
  const { env } = terminal;
  const api = new RuntimeApi(env.AWS_LAMBDA_RUNTIME_API);
  try {
    const serving = serveOptions(options, env);
    const app = await loadApp(
      { command: 'lambda', flags: appFlags(options), entry, args, configPath: configFlag(options), orphan: 'drain' },
      aroundFunction(terminal),
    );
    return await serve(api, isManaged(env) ? app : withShortEnd(app), serving, terminal);
  } catch (error) {
    // What is wrong here is wrong in every environment. (Where nobody listens any more, the log has it.)
    if (!(error instanceof AlreadyTold)) await api.failInit(failureOf(error)).catch(() => {});
    throw error instanceof AlreadyTold ? error.cause : error;
  }
}

/** Lambda knows of it. */
class AlreadyTold extends Error {}

async function serve(
  api: RuntimeApi,
  app: LoadedApp,
  options: InvocationsOptions,
  terminal: Terminal,
): Promise<number> {
  const { env } = terminal;
  const stderr = steady(terminal.stderr);
  const isJson = app.config.json || env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
  const log = new OwnLog({
    write: (text) => stderr.write(text),
    format: isJson ? 'json' : 'plain',
    color: false,
    name: app.config.name,
    clock: () => new Date(),
  });
  // Nobody can come to a function with commands, and its file system is read-only.
  const supervision = launch(app, { signals: true, output: 'inherit', lastResort: true, control: 'none' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  const invocations = new Invocations(api, servedApp(supervision, env, log), options);
  supervision.on('event', (event) => {
    log.event(event);
    if (event.type === 'state' && event.state === 'stopping') invocations.stop();
  });
  const ending = new AbortController();
  supervision.stopped.then(() => {
    invocations.stop();
    ending.abort();
  });
  api.registerExtension('tutti', ending.signal).catch((error: unknown) => {
    if (!ending.signal.aborted) log.line('info', `no SIGTERM will come before the end: ${String(error)}`);
  });

  let failure: unknown = null;
  const limit = initWaitMs(env, process.uptime() * 1000);
  const waited = limit === null ? [] : [delay(limit, undefined, { signal: ending.signal }).catch(() => {})];
  try {
    await Promise.race([supervision.ready, ...waited]);
    await invocations.serve();
  } catch (error) {
    failure = error;
    await supervision.stop();
  }
  const { code, reason } = await supervision.stopped;
  if (failure === null && code !== exitCodes.stopped) log.line('error', `ended with exit code ${code}: ${reason}`);
  await stderr.end();
  if (failure === null) return code;
  const isApi = failure instanceof TuttiError && failure.code === 'ERR_LAMBDA_API';
  throw isApi ? new AlreadyTold('', { cause: failure }) : failure;
}

/** One request at a time needs one worker, and a second costs memory and a longer start. */
function aroundFunction({ cwd, env }: Terminal): ReturnType<typeof surroundings> {
  const around = surroundings(cwd, env);
  return isManaged(env) ? around : { ...around, limits: () => ({ ...around.limits(), cpus: 1 }) };
}

function servedApp(supervision: Supervision, env: Terminal['env'], log: OwnLog): ServedApp {
  const isAlone = !isManaged(env);
  return {
    ready: supervision.ready,
    addresses: () => addressesOf(supervision.snapshot().listeners, env.PORT),
    tell: (message) => log.line('error', message),
    recover: async (isTimeout, withinMs) => {
      if (!isAlone) return;
      // Lambda would begin anew with everything; nobody else is served by this worker.
      if (isTimeout) void supervision.recycle();
      else await back(supervision, withinMs);
    },
  };
}

/** Whoever asked for other times has them. */
function withShortEnd(app: LoadedApp): LoadedApp {
  const given = Object.entries(shortEnd).filter(([name]) => app.sources[name] === 'default');
  return { ...app, config: { ...app.config, ...Object.fromEntries(given) } };
}

/** While nobody asks for the next invocation the environment is not frozen, and a new worker can start. */
function back(supervision: Supervision, withinMs: number): Promise<void> {
  return new Promise((done) => {
    const isServed = () => supervision.snapshot().workers.some(({ state }) => state === 'ready');
    const finish = () => {
      clearTimeout(death);
      clearTimeout(limit);
      supervision.off('worker-ready', finish);
      done();
    };
    const death = setTimeout(() => isServed() && finish(), Math.min(DEATH_WITHIN_MS, withinMs));
    const limit = setTimeout(finish, withinMs);
    supervision.on('worker-ready', finish);
    supervision.stopped.then(finish);
  });
}

function serveOptions(options: Readonly<Record<string, unknown>>, env: Terminal['env']): InvocationsOptions {
  const problems: Problem[] = [];
  const given = (flag: string, variable: string, key: string): readonly [source: string, value: string | undefined] =>
    typeof options[key] === 'string' ? [flag, options[key]] : [variable, env[variable] || undefined];
  const [modeFrom, mode = 'buffered'] = given('--invoke-mode', 'TUTTI_LAMBDA_INVOKE_MODE', 'invokeMode');
  const [pathFrom, eventsPath = '/events'] = given('--events-path', 'TUTTI_LAMBDA_EVENTS_PATH', 'eventsPath');
  const [, basePath = ''] = given('--base-path', 'TUTTI_LAMBDA_BASE_PATH', 'basePath');
  const wanted = mode.toLowerCase().replace('_', '-');
  if (wanted !== 'buffered' && wanted !== 'response-stream') {
    problems.push({ source: modeFrom, message: `must be "buffered" or "response-stream", got "${mode}".` });
  }
  if (!/^\/[\x21-\x7e]*$/.test(eventsPath)) {
    problems.push({ source: pathFrom, message: `must be a path that begins with /, got "${eventsPath}".` });
  }
  if (problems.length > 0) throw new TuttiError('ERR_FLAGS_INVALID', { problems });
  return {
    concurrency: concurrencyOf(env),
    mode: wanted === 'response-stream' ? wanted : 'buffered',
    translation: { basePath: normalBasePath(basePath), eventsPath, env },
  };
}
