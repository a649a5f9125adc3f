// `tutti run` with a configuration file of several apps: a supervisor for each, as a child of this process, which passes signals on, keeps their
// lines apart and ends when the first app that is required ends. It supervises nothing itself.

import { type ChildProcess, spawn } from 'node:child_process';
import { surroundings } from '../../app/surroundings.ts';
import { type LoadedApp, loadApps } from '../../config/app.ts';
import { OwnLog } from '../../logs/own/own-log.ts';
import type { SteadyWriter } from '../../logs/own/steady-writer.ts';
import { LineSplitter } from '../../logs/workers/line-splitter.ts';
import type { RunRequest } from '../actions/run-foreground.ts';
import { appFlags, configFlag } from '../shared/app-options.ts';
import { steady } from '../steady-output.ts';
import { BESIDE_VARIABLE } from './beside.ts';

const newline = Buffer.from('\n');
const passedOn = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU'] as const;
/** After these the end of an app is what was asked for. */
const ending: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/** Answers the exit code of the app that ended all; of a stop by a signal, the first that is not 0. */
export async function runSeveral({ entry, args, options, terminal }: RunRequest): Promise<number> {
  const told = new Set<NodeJS.Signals>();
  let pass = (signal: NodeJS.Signals): void => void told.add(signal);
  // First of all: as process 1, a signal without a handler has no effect.
  for (const signal of passedOn) process.on(signal, () => pass(signal));
  const request = { command: 'run', flags: appFlags(options), entry, args, configPath: configFlag(options) };
  const apps = await loadApps({ ...request, orphan: 'drain' }, surroundings(terminal.cwd, terminal.env));
  const to = { stdout: steady(terminal.stdout), stderr: steady(terminal.stderr) };
  const isJson = apps.every(({ config }) => config.json || config.logFormat === 'json');
  const log = new OwnLog({
    ...{ write: (text) => to.stderr.write(text), format: isJson ? 'json' : 'plain', color: false, name: 'tutti' },
    clock: () => new Date(),
  });
  const say = (text: string): void => log.line('info', text);
  // There a hang-up means that its user has gone; elsewhere it is a reload.
  const isOnTerminal = terminal.stdout.isTTY === true || terminal.stderr.isTTY === true;
  const living = new Map<string, ChildProcess>();
  let verdict: number | null = null;
  let isStopping = false;

  const send = (signal: NodeJS.Signals): void => {
    isStopping ||= ending.includes(signal);
    for (const child of living.values()) child.kill(signal);
  };
  const ended = (app: LoadedApp, code: number | null, signal: NodeJS.Signals | null): void => {
    const { name, required } = app.config;
    living.delete(name);
    // It had no handler yet.
    const exitCode = code ?? (isStopping && signal !== null && ending.includes(signal) ? 0 : 1);
    if (isStopping) {
      if (required) verdict ||= exitCode;
      return;
    }
    const how = code === null ? `was killed by ${signal}` : `ended with exit code ${code}`;
    if (!required && living.size > 0) {
      say(`${name} ${how}; it is not required, so the others go on`);
      return;
    }
    verdict = exitCode;
    if (living.size > 0) say(`${name} ${how}: the others end too`);
    send('SIGTERM');
  };

  say(`${apps.map(({ config }) => config.name).join(', ')}: ${apps.length} apps, each with a supervisor of its own`);
  const ends = apps.map((app) => {
    const child = startOne(app, apps.length, to);
    living.set(app.config.name, child);
    return new Promise<void>((done) => {
      child.once('error', (error) => {
        say(`${app.config.name} cannot be started: ${error.message}`);
        if (child.pid !== undefined) return;
        ended(app, 1, null);
        done();
      });
      child.once('exit', (code, signal) => {
        ended(app, code, signal);
        if (child.connected) child.disconnect();
      });
      // Not before its last line was read.
      child.once('close', () => done());
    });
  });
  pass = (signal) => send(signal === 'SIGHUP' && isOnTerminal ? 'SIGTERM' : signal);
  for (const signal of told) pass(signal);
  await Promise.all(ends);
  await Promise.all([to.stdout.end(), to.stderr.end()]);
  return verdict ?? 0;
}

/** `to` never makes a writer wait, and outlives a reader that has gone. */
function startOne({ config }: LoadedApp, count: number, to: Record<'stdout' | 'stderr', SteadyWriter>): ChildProcess {
  const [node, script = '', ...typed] = process.argv;
  const at = typed.indexOf('run') + 1;
  const args = [...typed.slice(0, at), '--name', config.name, ...typed.slice(at)];
  // Lines that say themselves what they are of, or that were asked for as they are, are left alone.
  const label = Buffer.from(`${config.name} | `);
  const isPlain = !config.json && config.logFormat !== 'json' && config.logFormat !== 'raw';
  const output = isPlain ? 'pipe' : 'inherit';
  const child = spawn(node ?? process.execPath, [...process.execArgv, script, ...args], {
    env: { ...process.env, [BESIDE_VARIABLE]: String(count) },
    stdio: ['ignore', output, output, 'ipc'],
    // A group of its own: Ctrl-C reaches it through this process, and only once.
    detached: true,
  });
  for (const stream of ['stdout', 'stderr'] as const) {
    const lines = new LineSplitter();
    const write = (line: Buffer): void => to[stream].write(Buffer.concat([label, line, newline]));
    child[stream]?.on('data', (chunk: Buffer) => lines.push(chunk).forEach(write));
    child[stream]?.once('end', () => {
      const rest = lines.end();
      if (rest !== null) write(rest);
    });
  }
  return child;
}
