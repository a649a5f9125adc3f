// The work of `tutti check`.

import { createColors } from 'picocolors';
import { surroundings } from '../../app/surroundings.ts';
import { type LoadedApp, loadApps } from '../../config/app.ts';
import { resolveEntry } from '../../config/entry/entry.ts';
import { typescriptArgs } from '../../config/entry/typescript.ts';
import { workerEnvironment } from '../../config/environment.ts';
import { optionNames } from '../../config/layers.ts';
import { configFileNames } from '../../config/load.ts';
import { type Config, options, sections } from '../../config/options.ts';
import { time } from '../../logs/own/sentences.ts';
import { appFlags, configFlag } from '../shared/app-options.ts';
import { type Terminal, wantsColor } from '../terminal.ts';

export interface CheckRequest {
  entry: string | undefined;
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
  terminal: Terminal;
}

export async function checkApps({ entry, args, options, terminal }: CheckRequest): Promise<number> {
  const isFile = entry !== undefined && configFileNames.some((name) => entry.endsWith(name));
  const apps = await loadApps(
    {
      command: 'check',
      flags: appFlags(options),
      entry: isFile ? undefined : entry,
      args,
      configPath: isFile ? entry : configFlag(options),
      orphan: 'drain',
    },
    surroundings(terminal.cwd, terminal.env),
  );
  const checked = await Promise.all(
    apps.map(async (app) => {
      const config = options.values === true ? app.config : withoutValues(app.config);
      return { ...app, config, program: [...(await program(app, terminal)), ...config.args] };
    }),
  );
  if (checked[0]?.config.json) {
    const shown = checked.map(({ config, sources, file, warnings, fileWarnings, program }) => ({
      config,
      sources,
      file,
      warnings,
      fileWarnings,
      program,
    }));
    terminal.stdout.write(`${JSON.stringify({ apps: shown }, null, 2)}\n`);
    return 0;
  }
  for (const app of checked) writeApp(app, app.program, terminal);
  return 0;
}

/** What node would be called with before the arguments; finds a missing TypeScript loader or environment file before anything is started. */
async function program({ config }: LoadedApp, terminal: Terminal): Promise<readonly string[]> {
  const path = resolveEntry(config.entry);
  const env = workerEnvironment(config, terminal.env);
  const loader = await typescriptArgs(path, config.nodeArgs, env.NODE_OPTIONS, config.node);
  return [config.node, ...config.nodeArgs, ...loader, path];
}

function writeApp(
  { config, sources, file, warnings, fileWarnings }: LoadedApp,
  program: readonly string[],
  terminal: Terminal,
): void {
  const { bold, dim, green, yellow } = createColors(wantsColor(terminal, terminal.stdout));
  const rows: string[] = [`${bold(config.name)} can start${file === null ? '' : `, as configured in ${file}`}.`, ''];
  rows.push(`  ${program.join(' ')}`, '');
  for (const warning of [...fileWarnings, ...warnings]) rows.push(yellow(`  ${warning}`), '');
  const names = optionNames.filter((name) => name !== 'envs' && name !== 'json');
  const width = Math.max(...names.map((name) => name.length));
  for (const [section, title] of Object.entries(sections)) {
    rows.push(bold(title));
    for (const name of names.filter((name) => options[name].section === section)) {
      const key = options[name].as;
      const source = sources[key] ?? 'default';
      const value = shown(config[key as keyof Config], key);
      const line = `  ${name.padEnd(width)}  ${value.padEnd(24)} `;
      rows.push(source === 'default' ? dim(`${line} default`) : `${line} ${green(source)}`);
    }
    rows.push('');
  }
  terminal.stdout.write(`${rows.join('\n')}\n`);
}

/** What is printed may end in the log of a build: of arguments and variables the names only. */
function withoutValues(config: Config): Config {
  const env = Object.fromEntries(Object.keys(config.env).map((name) => [name, '***']));
  return { ...config, args: config.args.map(masked), env };
}

function masked(argument: string): string {
  const [name] = /^--?[A-Za-z][\w.-]*(?==)/.exec(argument) ?? [];
  if (name !== undefined) return `${name}=***`;
  return /^--?[A-Za-z][\w.-]*$/.test(argument) ? argument : '***';
}

function shown(value: unknown, key: string): string {
  if (value === null) return '–';
  if (typeof value === 'number' && key.endsWith('Ms')) return time(value);
  if (typeof value === 'number' && key.endsWith('Bytes')) return `${Number((value / 1024 ** 2).toFixed(1))}M`;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string') return value;
  if (isRange(value)) return value.min === value.max ? String(value.min) : `${value.min}..${value.max}`;
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.join(' ');
  if (typeof value === 'object') {
    const pairs = Object.entries(value).map(([name, inner]) => `${name}=${inner}`);
    return pairs.length === 0 ? '–' : pairs.join(' ');
  }
  return String(value);
}

function isRange(value: unknown): value is Config['workers'] {
  return typeof value === 'object' && value !== null && 'min' in value && 'max' in value;
}
