// The work of `tutti service`: says each step before it is done, and does it.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { createColors } from 'picocolors';
import { discover } from '../../admin/client/discovery.ts';
import { chooseBootManager } from '../../deploy/boot-manager.ts';
import type { BootManager, Service, ServiceStep } from '../../deploy/service.ts';
import { exitCodes, messageOf, TuttiError } from '../../errors.ts';
import { removeFile, writeState } from '../../files/state-file.ts';
import { whatIsMeant } from '../actions/start-apps.ts';
import { withoutUnitOptions } from '../shared/service-options.ts';
import { type Terminal, wantsColor } from '../terminal.ts';
import { bootMachine } from './boot-machine.ts';
import { binPath, scopeOf, serviceOf } from './service-of.ts';

export interface ServiceRequest {
  action: string;
  words: readonly string[];
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
  terminal: Terminal;
}

export async function manageService(request: ServiceRequest): Promise<number> {
  const manager = (): BootManager => chooseBootManager(bootMachine(request.terminal), scopeOf(request.options));
  switch (request.action) {
    case 'install':
      return install(manager(), request);
    case 'remove':
      return remove(manager(), request);
    case 'status':
      return status(manager(), request);
    default:
      throw new TuttiError('ERR_USAGE', {
        problem: `"${request.action}" is nothing that can be done with a service`,
        hint: 'Type: tutti service install, tutti service remove or tutti service status',
      });
  }
}

async function install(manager: BootManager, request: ServiceRequest): Promise<number> {
  const { words, args, options, terminal } = request;
  const services: Service[] = [];
  const meant = { positionals: words, args, options: withoutUnitOptions(options), terminal };
  for (const record of await whatIsMeant(meant)) {
    services.push(await serviceOf(record, options, terminal));
  }
  if (options.dryRun !== true) {
    mayWrite(request);
    if (manager.takesRunning !== true) await refuseRunning(services, terminal);
  }
  for (const service of services) {
    carryOut(manager.install(service, read), `${service.app}: by ${manager.name}, as ${who(service)}`, request);
  }
  const [first] = services;
  if (options.dryRun !== true && first !== undefined && options.json !== true) {
    const more = first.scope === 'user' ? ' --user' : '';
    terminal.stdout.write(
      `What this shell has in its environment, the service does not have: name it with --env or --env-file.\nTo see how it is: tutti service status ${first.app}${more}\n`,
    );
  }
  return exitCodes.stopped;
}

function remove(manager: BootManager, request: ServiceRequest): number {
  const { words, options } = request;
  if (options.dryRun !== true) mayWrite(request);
  for (const app of named(words, 'remove')) {
    const steps = manager.remove(app, scopeOf(options), read);
    if (steps.length === 0) {
      if (options.json !== true)
        request.terminal.stdout.write(`${app}: there is no service of it; nothing was done.\n`);
      continue;
    }
    carryOut(steps, `${app}: taken out of ${manager.name}`, request);
  }
  return exitCodes.stopped;
}

function status(manager: BootManager, { words, options, terminal }: ServiceRequest): number {
  let code: number = exitCodes.stopped;
  for (const app of named(words, 'status')) {
    const [program = '', ...args] = manager.ask(app, scopeOf(options));
    const answer = spawnSync(program, args, { encoding: 'utf8' });
    if (answer.status !== 0) throw failed({ do: 'run', argv: [program, ...args], why: '' }, reasonOf(answer), 0);
    const { facts, lines, state } = manager.tell(app, scopeOf(options), answer.stdout);
    terminal.stdout.write(
      options.json === true ? `${JSON.stringify({ schema: 1, app, state, ...facts })}\n` : `${lines.join('\n')}\n`,
    );
    if (state === 'absent' || state === 'stopped') code = exitCodes.notRunning;
    else if (state === 'failed') code = exitCodes.degraded;
  }
  return code;
}

function named(words: readonly string[], action: string): readonly string[] {
  if (words.length > 0) return words;
  throw new TuttiError('ERR_USAGE', {
    problem: 'the name of the app is missing',
    hint: `Type: tutti service ${action} web`,
  });
}

function mayWrite({ options, terminal }: ServiceRequest): void {
  if (scopeOf(options) === 'user' || process.getuid?.() === 0) return;
  const typed = terminal.argv
    .map((argument) => (/^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument}'`))
    .join(' ');
  throw new TuttiError('ERR_SERVICE_USER', {
    problem: 'only root may write the units of the machine',
    hint: `Type: sudo ${process.execPath} ${binPath} ${typed}\n  Or without root, for this user alone: add --user`,
  });
}

/** Two supervisors would want the same name and the same ports. */
async function refuseRunning(services: readonly Service[], terminal: Terminal): Promise<void> {
  for (const found of await discover(terminal.env)) {
    const service = services.find(({ app }) => app === found.name);
    if (service === undefined || !found.answers) continue;
    const { pid } = found.snapshot;
    if (read(`/proc/${pid}/cgroup`)?.includes(`/tutti-${service.app}.service`) === true) continue;
    throw new TuttiError('ERR_SERVICE_RUNS', { name: service.app, pid });
  }
}

function who({ scope, user }: Service): string {
  return scope === 'user' ? 'a service of this user' : `user ${user ?? 'root'}`;
}

function carryOut(steps: readonly ServiceStep[], title: string, { options, terminal }: ServiceRequest): void {
  const { bold, dim, green } = createColors(wantsColor(terminal, terminal.stdout));
  const isDry = options.dryRun === true;
  const say = (text: string): void => {
    if (options.json !== true) terminal.stdout.write(text);
  };
  say(`${bold(title)}\n`);
  for (const [done, step] of steps.entries()) {
    const mark = isDry ? '' : `${green('✔')} `;
    const problem = isDry ? null : perform(step);
    if (problem !== null && !('mayFail' in step && step.mayFail === true)) throw failed(step, problem, done);
    say(`${problem === null ? mark : `! (${problem}) `}${nameOf(step)}  ${dim(step.why)}\n`);
    if (isDry && step.do === 'write') say(`${shown(step).replace(/^/gm, '    ').trimEnd()}\n`);
  }
  if (options.json === true)
    terminal.stdout.write(`${JSON.stringify({ schema: 1, dryRun: isDry, steps: steps.map(forJson) })}\n`);
}

/** A dry run may be looked at by others. */
function shown({ mode, text }: Extract<ServiceStep, { do: 'write' }>): string {
  return mode === 0o600 ? text.replace(/=.*$/gm, '=…') : text;
}

function forJson(step: ServiceStep): object {
  if (step.do === 'write') return { ...step, text: shown(step) };
  if (step.do === 'remove' || step.shown === undefined) return step;
  const { input: _, ...rest } = step;
  return rest;
}

function nameOf(step: ServiceStep): string {
  return step.do === 'run' ? (step.shown ?? step.argv.join(' ')) : `${step.do} ${step.path}`;
}

/** Answers why it could not be done, or null. */
function perform(step: ServiceStep): string | null {
  try {
    if (step.do === 'run') {
      const [program = '', ...args] = step.argv;
      const answer = spawnSync(program, args, {
        encoding: 'utf8',
        stdio: [step.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
        ...(step.input !== undefined && { input: step.input }),
      });
      return answer.status === 0 ? null : reasonOf(answer);
    }
    if (step.do === 'write') {
      mkdirSync(dirname(step.path), { recursive: true });
      writeState(step.path, step.text, { mode: step.mode, lasting: true });
    } else if (statSync(step.path, { throwIfNoEntry: false })?.isDirectory()) rmdirSync(step.path);
    else removeFile(step.path);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function reasonOf({ error, status, signal, stderr }: ReturnType<typeof spawnSync>): string {
  if (error !== undefined) return error.message;
  const said = String(stderr ?? '').trim();
  return said === '' ? `it ended with ${signal ?? `exit code ${status}`}` : said;
}

function failed(step: ServiceStep, reason: string, done: number): TuttiError {
  return new TuttiError('ERR_SERVICE_STEP', { what: nameOf(step), reason: reason.replace(/\.$/, ''), done });
}
