// The kinds of value that an option can have: what is accepted (in a file, and as text from a flag or a variable), what it
// becomes, and the rule that an error message quotes. Units live here and nowhere else. Pure.

import * as v from 'valibot';
import { appNamePattern, appNameRule, reservedNames } from '../files/app-name.ts';
import { MOST_WORKERS } from '../protocol/workers.ts';
import { isCron } from './cron.ts';

export interface Kind<S extends v.GenericSchema = v.GenericSchema> {
  schema: S;
  /** Completes "must be …". */
  rule: string;
  /** How help names the value; null for a switch, which takes none. */
  placeholder: string | null;
  /** The flag may be given several times; all of them together are the value. */
  repeatable: boolean;
  /** Turns what was typed into what a file would hold. Without it, the text itself is the value. */
  fromText: ((texts: readonly string[]) => unknown) | null;
}

function kind<const S extends v.GenericSchema>(
  schema: S,
  rule: string,
  placeholder: string | null,
  more: { repeatable?: boolean; fromText?: (texts: readonly string[]) => unknown } = {},
): Kind<S> {
  return { schema, rule, placeholder, repeatable: more.repeatable ?? false, fromText: more.fromText ?? null };
}

/** A schema whose text is parsed by `parse`, which answers undefined for what it cannot read. */
function parsed<In extends string | number | boolean, Out>(
  input: v.GenericSchema<In>,
  parse: (value: In) => Out | undefined,
) {
  return v.pipe(
    input,
    v.rawTransform(({ dataset, addIssue, NEVER }): Out => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: 'unreadable' });
      return NEVER;
    }),
  );
}

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Record<string, number> = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

// A timer in Node holds at most 2^31−1 ms; a longer one would fire at once.
const longestMs = 2 ** 31 - 1;

export function parseDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 && value <= longestMs ? value : undefined;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(value.trim());
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * (durationUnits[match[2] ?? 'ms'] ?? 1));
  return ms <= longestMs ? ms : undefined;
}

export function parseSize(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([KMG])?i?B?$/i.exec(value.trim());
  if (match === null) return undefined;
  const bytes = Math.round(Number(match[1]) * (sizeUnits[(match[2] ?? 'B').toUpperCase()] ?? 1));
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

export type WorkerCount = number | 'auto' | 'max' | { allBut: number };
export interface WorkerRange {
  min: WorkerCount;
  max: WorkerCount;
}

function parseWorkers(value: string | number): WorkerRange | undefined {
  const one = (text: string): WorkerCount | undefined => {
    if (text === 'auto' || text === 'max') return text;
    const left = /^max-(\d{1,4})$/.exec(text)?.[1];
    if (left !== undefined) return { allBut: Number(left) };
    if (!/^\d+$/.test(text)) return undefined;
    const count = Number(text);
    return count >= 1 && count <= MOST_WORKERS ? count : undefined;
  };
  const [low, high, rest] = String(value).trim().split('..');
  if (low === undefined || rest !== undefined) return undefined;
  const min = one(low);
  const max = high === undefined ? min : one(high);
  if (min === undefined || max === undefined) return undefined;
  if (typeof min === 'number' && typeof max === 'number' && min > max) return undefined;
  return { min, max };
}

export interface Address {
  host: string;
  port: number;
}

function parseAddress(value: string | number): Address | undefined {
  const match = /^(?:(\[[0-9a-f:.%]+\]|[^\s:[\]]*):)?(\d{1,5})$/i.exec(String(value).trim());
  if (match === null) return undefined;
  const port = Number(match[2]);
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  return port <= 65_535 ? { host: host === '' ? '127.0.0.1' : host, port } : undefined;
}

function parseSwitch(value: string | boolean): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (['true', 'on', 'yes', '1'].includes(value.toLowerCase())) return true;
  if (['false', 'off', 'no', '0'].includes(value.toLowerCase())) return false;
  return undefined;
}

/** The placeholder of a choice whose words are too many to be shown in it. */
export const longChoice = '<choice>';

const textOrNumber = v.union([v.string(), v.number()]);
const filledText = v.pipe(v.string(), v.nonEmpty());
const durationRule = 'a duration such as 500ms, 30s, 5m or 2h (a bare number is milliseconds), not negative';

export const duration = kind(parsed(textOrNumber, parseDuration), durationRule, '<duration>');

/** Where zero would mean that nothing can ever succeed. */
export const positiveDuration = kind(
  parsed(textOrNumber, (value) => parseDuration(value) || undefined),
  'a duration above zero such as 500ms, 30s, 5m or 2h (a bare number is milliseconds)',
  '<duration>',
);

export const durationOrNever = kind(
  parsed(textOrNumber, (value): number | 'never' | undefined =>
    value === 'never' ? 'never' : parseDuration(value) || undefined,
  ),
  'a duration above zero such as 30s, 5m or 2h, or "never"',
  '<duration>',
);

export const optionalDuration = kind(
  v.nullable(parsed(textOrNumber, (value) => parseDuration(value) || undefined)),
  'a duration above zero such as 30s, 5m or 2h',
  '<duration>',
);

export const optionalSize = kind(
  v.nullable(parsed(textOrNumber, parseSize)),
  'a size such as 512M or 1.5G (a bare number is bytes), above zero',
  '<size>',
);

export const workers = kind(
  parsed(textOrNumber, parseWorkers),
  `"auto", "max", "max-1", a whole number from 1 to ${MOST_WORKERS}, or a range such as 2..8`,
  '<auto|n|min..max>',
);

export const address = kind(
  v.nullable(parsed(textOrNumber, parseAddress)),
  'a port, or host:port, such as 9000 or 0.0.0.0:9000',
  '<[host:]port>',
);

export function wholeNumber(from: number, to: number) {
  const read = (value: string | number): number | undefined => {
    const number = typeof value === 'number' || /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN;
    return Number.isSafeInteger(number) && number >= from && number <= to ? number : undefined;
  };
  return kind(parsed(textOrNumber, read), `a whole number from ${from} to ${to}`, '<n>');
}

export const optionalCount = kind(
  v.nullable(
    parsed(textOrNumber, (value) => {
      const number = typeof value === 'number' || /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN;
      return Number.isSafeInteger(number) && number > 0 ? number : undefined;
    }),
  ),
  'a whole number above zero',
  '<n>',
);

export function oneOf<const T extends readonly [string, ...string[]]>(...words: T) {
  return kind(v.picklist(words), `one of ${words.join(', ')}`, choice(words));
}

/** The words themselves, unless they would make the column of flags too wide; then help tells the rule. */
function choice(words: readonly string[]): string {
  const all = words.join('|');
  return all.length > 26 ? longChoice : `<${all}>`;
}

export function optionalOneOf<const T extends readonly [string, ...string[]]>(...words: T) {
  return kind(v.nullable(v.picklist(words)), `one of ${words.join(', ')}`, choice(words));
}

/** A switch: the bare flag says yes, `--no-…` says no. */
export const yesOrNo = kind(
  parsed(v.union([v.boolean(), v.picklist(['on', 'off', 'true', 'false', 'yes', 'no', '1', '0'])]), parseSwitch),
  'on or off (true, false)',
  null,
);

/** A switch that a file may also answer with paths. */
export const yesNoOrPaths = kind(v.union([yesOrNo.schema, v.array(filledText)]), 'on, off, or a list of paths', null);

export function text(placeholder: string, rule = 'a non-empty string') {
  return kind(filledText, rule, placeholder);
}

export function optionalText(placeholder: string, rule = 'a non-empty string') {
  return kind(v.nullable(filledText), rule, placeholder);
}

export const appName = kind(
  v.nullable(v.pipe(v.string(), v.regex(appNamePattern), v.notValues(reservedNames))),
  appNameRule,
  '<name>',
);

export const urlPath = kind(
  v.nullable(v.pipe(v.string(), v.regex(/^\/\S*$/))),
  'a path that begins with /, such as /healthz',
  '<path>',
);

export const cronExpression = kind(
  v.nullable(
    parsed(v.string(), (value) =>
      /^(@[a-z]+|\S+(\s+\S+){4,5})$/.test(value.trim()) && isCron(value.trim()) ? value.trim() : undefined,
    ),
  ),
  'a cron expression of five or six fields such as "0 4 * * *", or @daily',
  '<expression>',
);

export const variableName = kind(
  v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/)),
  'the name of an environment variable: letters, digits and underscores',
  '<name>',
);

export const optionalVariableName = kind(v.nullable(variableName.schema), variableName.rule, variableName.placeholder);

/** A list of strings. As a variable it is split at blanks. */
export function textList(placeholder: string, rule = 'a list of non-empty strings') {
  return kind(v.array(filledText), rule, placeholder, { repeatable: true, fromText: (texts) => texts });
}

/** A method, a path, or both. */
export const requests = kind(
  v.array(v.pipe(v.string(), v.regex(/^([A-Za-z]+|([A-Za-z]+:)?\/\S*)$/))),
  'a list of requests, each a method, a path that begins with /, or both: GET:/export',
  '<request>',
  { repeatable: true, fromText: (texts) => texts },
);

export const exitCodes = kind(
  v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
  'a list of exit codes from 0 to 255',
  '<code>',
  { repeatable: true, fromText: (texts) => texts.map(Number) },
);

const variableValue = v.pipe(
  v.union([v.string(), v.number(), v.boolean()]),
  v.transform((value) => String(value)),
);
const variables = v.record(variableName.schema, variableValue);

export const environment = kind(
  variables,
  'names and values: K=V on the command line, an object of texts in a file',
  '<K=V>',
  {
    repeatable: true,
    fromText: (texts) =>
      // Without "=" the name is kept whole and fails the rule of a name, which quotes what was typed.
      Object.fromEntries(
        texts.map((pair) => [pair.split('=', 1)[0], pair.includes('=') ? pair.slice(pair.indexOf('=') + 1) : null]),
      ),
  },
);

export const environments = kind(v.record(filledText, variables), 'an object of named environments', '<environments>');
