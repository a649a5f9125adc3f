// A command line with words of PM2, in the words of tutti. Pure.

import { basename } from 'node:path';
import { isLoader } from '../../config/entry/package-script.ts';
import { isConfigFile } from '../../config/load.ts';
import { isNode } from '../../config/pm2-script.ts';
import { TuttiError } from '../../errors.ts';
import { commands, flags, type Pm2Flag } from './words.ts';

/** The flags of one of tutti's own commands, and whether each takes a value. */
export type OwnFlags = ReadonlyMap<string, boolean>;

export interface Understood {
  argv: readonly string[];
  /** What the operator should know of it. */
  asides: readonly string[];
}

/**
 * `own`: the canonical name and the flags of a command, by any of its names. What tutti knows itself, and what PM2 does not know either, stays
 * as it is. Throws a TuttiError for a word of PM2 that tutti has no equal for.
 */
export function inOurWords(
  [first = '', ...rest]: readonly string[],
  own: (command: string) => { name: string; flags: OwnFlags } | null,
): Understood {
  const asides: string[] = [];
  let typed = [first, ...rest];
  if (own(first) === null) {
    const row = commands.find(({ words }) => words.some((word) => word.toLowerCase() === first.toLowerCase()));
    if (row === undefined) return { argv: typed, asides };
    if (row.as === null) throw refusal(first, row);
    if (row.tell === true) asides.push(`${first}: read as tutti ${row.as}. ${plain(row.says)}`);
    typed = [...row.as.split(' '), ...rest];
  }
  const command = own(typed[0] ?? '');
  if (command === null) return { argv: typed, asides };
  const flagsRead = inOurFlags(typed.slice(1), command, asides);
  return { argv: [flagsRead.turnsInto ?? typed[0] ?? '', ...flagsRead.words], asides };
}

interface Read {
  words: string[];
  turnsInto: 'run' | null;
}

function inOurFlags(typed: readonly string[], command: { name: string; flags: OwnFlags }, asides: string[]): Read {
  const read: Read = { words: [], turnsInto: null };
  let dropsFiles = false;
  for (let at = 0; at < typed.length; at++) {
    const word = typed[at] ?? '';
    const [flag = '', inline] = word.startsWith('--') ? splitAtEquals(word) : [word, null];
    const takesValue = command.flags.get(flag);
    const row = word.startsWith('-') && takesValue === undefined ? rowOf(flag, command.name) : undefined;
    if (row === undefined) {
      read.words.push(word);
      // Its value may look like a flag.
      if (takesValue === true && inline === null && at + 1 < typed.length) read.words.push(typed[++at] ?? '');
      continue;
    }
    let value = inline;
    const next = typed[at + 1];
    const hasNext = next !== undefined && (row.takes === 'value' || (row.takes === 'maybe' && !next.startsWith('-')));
    if (value === null && hasNext) {
      value = next;
      at += 1;
    }
    if (row.as === null && row.moot !== true) throw refusal(flag, row);
    if (row.moot === true) asides.push(`${flag}: has no effect. ${plain(row.says)}`);
    if (row.turnsInto !== undefined) read.turnsInto = row.turnsInto;
    const words = replacement(row, value ?? '');
    read.words = row.weak === true ? [...words, ...read.words] : [...read.words, ...words];
    dropsFiles ||= row.dropsFile === true;
  }
  if (dropsFiles) read.words = read.words.filter((word) => !isConfigFile(word));
  return read;
}

function splitAtEquals(word: string): [string, string | null] {
  const at = word.indexOf('=');
  return at === -1 ? [word, null] : [word.slice(0, at), word.slice(at + 1)];
}

export function rowOf(flag: string, command: string): Pm2Flag | undefined {
  return flags.find((row) => row.flags.includes(flag) && row.of.includes(command));
}

function replacement(row: Pm2Flag, value: string): string[] {
  if (row.as === null || row.as === '') return [];
  if (row.flags.includes('--interpreter')) return interpreter(value, row);
  const template = row.as.split(' ');
  const parts = row.each === 'words' ? /\s+/ : /[\s,]+/;
  const values = row.each === undefined ? [value] : value.split(parts).filter((one) => one !== '');
  return values.flatMap((one) => template.map((word) => word.replace('<value>', () => one)));
}

/** Node itself, and what only loads TypeScript for it, need not be said. */
function interpreter(value: string, row: Pm2Flag): string[] {
  if (isLoader(basename(value)) || value === 'node' || value === 'nodejs') return [];
  if (isNode(value)) return ['--node', value];
  throw refusal(`--interpreter ${value}`, { ...row, says: `Only Node.js programs are run, not those of ${value}.` });
}

function refusal(word: string, { instead, says }: { instead?: string; says: string }): TuttiError {
  return new TuttiError('ERR_PM2_WORD', { word, instead: instead ?? null, says: plain(says) });
}

/** Without the links and marks of the page. */
function plain(says: string): string {
  return says
    .replace(/\[([^\]]*)\]\(([^)#]*)[^)]*\)/g, (_, text: string, page: string) =>
      text === page ? `docs/${page}` : text,
    )
    .replaceAll('`', '');
}
