// The places an option can come from, as layers of plain values: flags over TUTTI_* variables over the file over what a platform says over the
// defaults.
// Pure.

import { MOST_WORKERS } from '../protocol/workers.ts';
import { environmentVariable, type OptionName, options } from './options.ts';
import { suggest } from './suggest.ts';

export interface Layer {
  from: 'flags' | 'environment' | 'file' | 'call';
  values: Readonly<Record<string, unknown>>;
  /** What was typed, where it is not the value itself. */
  typed: Readonly<Record<string, string>>;
  /** Names the place of one option: `--workers`, `TUTTI_WORKERS`, `tutti.config.ts: workers`. */
  source: (key: string) => string;
  /** Relative paths of this layer are relative to this folder. */
  folder: string;
}

export const optionNames = Object.keys(options) as OptionName[];

/** `texts` holds, for each option that was given, every text that was typed for it; a switch is a boolean. */
export function flagLayer(
  texts: Readonly<Partial<Record<OptionName, readonly string[] | boolean>>>,
  positionals: { entry?: string | undefined; args?: readonly string[] | undefined },
  folder: string,
): Layer {
  const values: Record<string, unknown> = {};
  const typed: Record<string, string> = {};
  for (const name of optionNames) {
    const given = texts[name];
    if (given === undefined) continue;
    values[name] = typeof given === 'boolean' ? given : fromTexts(name, given);
    if (typeof given !== 'boolean') typed[name] = given.join(' ');
  }
  if (positionals.entry !== undefined) values.entry = positionals.entry;
  if (positionals.args !== undefined && positionals.args.length > 0) values.args = [...positionals.args];
  const source = (key: string) => (key === 'entry' ? '<entry>' : `--${flagOf(key)}`);
  return { from: 'flags', values, typed, source, folder };
}

/** An empty variable counts as unset, because compose files and unit files cannot leave one out by condition. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>, folder: string): Layer {
  const values: Record<string, unknown> = {};
  const typed: Record<string, string> = {};
  for (const name of optionNames) {
    const variable = environmentVariable(name);
    const text = variable === null ? undefined : env[variable];
    if (text === undefined || text === '') continue;
    values[name] = fromTexts(name, options[name].kind.repeatable ? text.trim().split(/\s+/) : [text]);
    typed[name] = text;
  }
  return { from: 'environment', values, typed, source: (key) => environmentVariable(key as OptionName) ?? key, folder };
}

/** What platforms say of the number of workers, below a configuration file: Heroku, Render, Railway. Null: nothing, or nothing usable. */
export function platformLayer(env: Readonly<Record<string, string | undefined>>, folder: string): Layer | null {
  const text = env.WEB_CONCURRENCY?.trim() ?? '';
  if (!isConcurrency(text)) return null;
  const typed = { workers: text };
  return { from: 'environment', values: typed, typed, source: () => 'WEB_CONCURRENCY', folder };
}

/** A warning where it cannot be used: other programs read it too, so it is no error. */
export function unusableConcurrency(env: Readonly<Record<string, string | undefined>>): string[] {
  const text = env.WEB_CONCURRENCY?.trim() ?? '';
  if (text === '' || isConcurrency(text)) return [];
  return [
    `WEB_CONCURRENCY must be a whole number from 1 to ${MOST_WORKERS}, got ${JSON.stringify(text)}; it has no effect`,
  ];
}

function isConcurrency(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MOST_WORKERS;
}

/** TUTTI_* variables that are no option but look like a slip. Others are left alone: an orchestrator may set them. */
export function misspeltVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = optionNames.map(environmentVariable).filter((name) => name !== null);
  const reserved = new Set([...known, 'TUTTI_HOME', 'TUTTI_TOKEN', 'TUTTI_TRACE', 'TUTTI_BOOT']);
  return Object.keys(env)
    .filter((name) => name.startsWith('TUTTI_') && !reserved.has(name))
    .flatMap((name) => {
      const near = suggest(name, known);
      const close = near !== null && Math.abs(near.length - name.length) <= 2;
      return close && suggest(name.slice('TUTTI_'.length), [near.slice('TUTTI_'.length)]) !== null
        ? [`The variable ${name} is not an option and has no effect; did you mean ${near}?`]
        : [];
    });
}

export function objectLayer(
  from: 'file' | 'call',
  values: Readonly<Record<string, unknown>>,
  source: (key: string) => string,
  folder: string,
): Layer {
  return { from, values, typed: {}, source, folder };
}

function fromTexts(name: OptionName, texts: readonly string[]): unknown {
  const { fromText } = options[name].kind;
  return fromText === null ? texts.at(-1) : fromText(texts);
}

function flagOf(key: string): string {
  return key in options ? (options[key as OptionName].flag ?? key) : key;
}
