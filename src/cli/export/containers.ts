// From what was typed to the containers that are meant. The folder in which it is typed is that of the image's build.

import { isAbsolute, relative, resolve } from 'node:path';
import { surroundings } from '../../app/surroundings.ts';
import { type LoadedApp, loadApp } from '../../config/app.ts';
import { optionNames } from '../../config/layers.ts';
import { findConfigFile } from '../../config/load.ts';
import { environmentVariable, type OptionName, options as table } from '../../config/options.ts';
import type { Allowance } from '../../config/sizing.ts';
import { parseSize } from '../../config/values.ts';
import { type Container, type ContainerRequest, containerOf, labelOf } from '../../deploy/container/container.ts';
import { type Problem, TuttiError } from '../../errors.ts';
import { whatIsMeant } from '../actions/start-apps.ts';
import { appFlags } from '../shared/app-options.ts';
import { type LaunchRecord, launchRequest } from '../shared/launch-record.ts';
import { forTheUnit, withoutUnitOptions } from '../shared/service-options.ts';
import type { Terminal } from '../terminal.ts';
import { memoryOf } from './memory.ts';
import { mustDiffer } from './must-differ.ts';
import { type PackageFacts, packageFacts } from './package-facts.ts';

type Options = Readonly<Record<string, unknown>>;

/** What `workers: auto` means where nothing says how many CPUs the container will have. */
const USUAL_CPUS = 2;
const LEAST_BYTES = 64 * 1024 ** 2;

/** Options that are said otherwise in a container, or mean nothing there. */
const notAsVariable: readonly OptionName[] = ['name', 'env', 'json'];

export interface Meant {
  containers: Container[];
  facts: PackageFacts;
}

export interface MeantRequest {
  words: readonly string[];
  args: readonly string[];
  options: Options;
  terminal: Terminal;
}

export async function containersMeant({ words, args, options, terminal }: MeantRequest): Promise<Meant> {
  const { memoryBytes, ...limits } = limitsOf(options);
  const meant = { positionals: words, args, options: withoutUnitOptions(options), terminal };
  const records = await whatIsMeant(meant);
  const containers: Container[] = [];
  let facts: PackageFacts | null = null;
  for (const record of records) {
    const allowed = (): Allowance => allowance(limits.cpus ?? USUAL_CPUS, memoryBytes);
    const around = { ...surroundings(record.cwd, terminal.env), limits: allowed };
    const app = await loadApp(launchRequest(record), around);
    facts ??= packageFacts(terminal.cwd, app.config.entry);
    const isOneOfSeveral = records.length > 1 || (record.entry === null && words.includes(record.name));
    const image =
      typeof options.image === 'string'
        ? options.image
        : `${labelOf(records[0]?.name ?? record.name)}:${tagOf(facts.version)}`;
    const isRenamed = appFlags(options).name !== undefined && !isOneOfSeveral;
    const asked: ContainerRequest = {
      ...limits,
      image,
      memory: memoryOf(app.config, memoryBytes),
      args: argumentsOf(record, app, isOneOfSeveral),
      isOneOfSeveral,
      options: { ...(isRenamed && { TUTTI_NAME: record.name }), ...variablesOf(record, terminal) },
      secrets: secretsOf(record),
      envFiles: app.config.envFile.map((path) => inFolder(path, terminal.cwd)),
    };
    containers.push(containerOf(app.config, asked));
  }
  mustDiffer(containers);
  // There is always one, or an error was thrown.
  return { containers, facts: facts ?? packageFacts(terminal.cwd, '') };
}

/** The version of the package, as far as an image may be called so. */
function tagOf(version: string | null): string {
  const tag = version?.replaceAll('+', '-') ?? '';
  return /^\w[\w.-]{0,127}$/.test(tag) ? tag : 'latest';
}

/** What follows `tutti run` in the image, whose working folder is a copy of this one. */
function argumentsOf(record: LaunchRecord, app: LoadedApp, isOneOfSeveral: boolean): string[] {
  const { cwd, entry, config, args } = record;
  const program = mustBeInside('the program', app.config.entry, cwd);
  const found = findConfigFile(cwd, null);
  const given =
    config === (found ?? 'none')
      ? []
      : ['--config', config === 'none' ? 'none' : mustBeInside('the configuration file', config, cwd)];
  return [
    ...(entry === null ? [] : [program]),
    // Chooses one of the file's.
    ...(isOneOfSeveral ? ['--name', record.name] : []),
    ...given,
    ...(args.length === 0 ? [] : ['--', ...args]),
  ];
}

function mustBeInside(what: string, path: string, folder: string): string {
  const inside = inFolder(path, folder);
  if (isAbsolute(inside)) throw new TuttiError('ERR_EXPORT_OUTSIDE', { what, path, folder });
  return inside;
}

/** As the folder names it, or as it is where it lies outside. */
function inFolder(path: string, folder: string): string {
  const inside = relative(folder, path);
  return inside === '..' || inside.startsWith('../') || isAbsolute(inside) ? path : inside;
}

/** Every option that was typed, or stands in a variable here: the same variable in the container. */
function variablesOf({ flags, cwd }: LaunchRecord, { env }: Terminal): Record<string, string> {
  const found: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const name of optionNames) {
    const variable = environmentVariable(name);
    if (variable === null || forTheUnit.includes(name) || notAsVariable.includes(name)) continue;
    const typed = flags[name];
    const value = typed === undefined ? env[variable] : textOf(name, typed, cwd);
    if (value === undefined || value === '') continue;
    const isSplit = table[name].kind.repeatable && Array.isArray(typed) && typed.some((one) => /\s/.test(one));
    if (isSplit || value.includes('\n')) {
      const message = 'cannot be a variable of a container, because of its blanks. Write it into tutti.config.ts.';
      problems.push({ source: `--${table[name].flag}`, message });
    }
    found[variable] = value;
  }
  if (problems.length > 0) throw new TuttiError('ERR_FLAGS_INVALID', { problems });
  return found;
}

function textOf(name: OptionName, typed: readonly string[] | boolean, cwd: string): string | undefined {
  if (typeof typed === 'boolean') return typed ? 'on' : 'off';
  const texts = name === 'envFile' ? typed.map((path) => inFolder(resolve(cwd, path), cwd)) : typed;
  return table[name].kind.repeatable ? texts.join(' ') : texts.at(-1);
}

function secretsOf({ flags: { env } }: LaunchRecord): string[] {
  const pairs = Array.isArray(env) ? (env as readonly string[]) : [];
  return pairs.map((pair) => pair.split('=', 1)[0] ?? '').filter((name) => name !== '' && name !== 'PORT');
}

/** What a container with such limits will see. */
function allowance(cpus: number, memoryBytes: number | null): Allowance {
  const whole = Math.ceil(cpus);
  return { cpus: whole, allCpus: whole, quota: { cpus, from: '--cpus' }, memoryBytes };
}

interface Limits extends Pick<ContainerRequest, 'port' | 'cpus' | 'replicas'> {
  memoryBytes: number | null;
}

function limitsOf(options: Options): Limits {
  const problems: Problem[] = [];
  const read = (name: string, rule: string, parse: (text: string) => number | undefined): number | null => {
    const text = options[name];
    if (typeof text !== 'string') return null;
    const value = parse(text);
    if (value === undefined)
      problems.push({ source: `--${name}`, message: `must be ${rule}, got ${JSON.stringify(text)}.` });
    return value ?? null;
  };
  const whole = (from: number, to: number) => (text: string) =>
    /^\d+$/.test(text) && Number(text) >= from && Number(text) <= to ? Number(text) : undefined;
  const limits = {
    port: read('port', 'a port from 1 to 65535', whole(1, 65_535)),
    cpus: read('cpus', 'a number of CPUs such as 2 or 0.5, from 0.1 to 1024', (text) => {
      const count = /^\d+(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
      return count >= 0.1 && count <= 1024 ? count : undefined;
    }),
    memoryBytes: read('memory', 'a size such as 512M or 1.5G, 64M at least', (text) => {
      const bytes = parseSize(text);
      return bytes !== undefined && bytes >= LEAST_BYTES ? Math.ceil(bytes / 1024 ** 2) * 1024 ** 2 : undefined;
    }),
    replicas: read('replicas', 'a whole number from 1 to 1000', whole(1, 1000)),
  };
  const { image } = options;
  if (typeof image === 'string' && !/^[\w][\w.:/@-]*$/.test(image)) {
    const message = `must be the name of an image such as registry.example/web:1.4, got ${JSON.stringify(image)}.`;
    problems.push({ source: '--image', message });
  }
  if (problems.length > 0) throw new TuttiError('ERR_FLAGS_INVALID', { problems });
  return limits;
}
