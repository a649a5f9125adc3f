// The line of the program's source that an uncaught error came from, with the lines around it (primary; for reports only).

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preloadPath } from '../process/fork.ts';

/** A file system that does not answer must not delay the report of a worker's end. */
const AT_MOST_MS = 200;
const MOST_BYTES = 2 * 1024 * 1024;
const AROUND = 2;
const WIDTH = 120;
const tutti = join(dirname(preloadPath), '..');

interface Position {
  file: string;
  /** From 1. The column is null if only the line is known; `with`: the line has to be searched for. */
  line: number | { with: string };
  column: number | null;
}

/** Lines of text, the first one as `server.js:3:7` relative to `folder`; none if the source is unknown. Never rejects. */
export async function codeFrame(stack: string, folder: string): Promise<readonly string[]> {
  const position = positionsIn(stack).find(({ file }) => isOwn(file));
  if (position === undefined) return [];
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<string>((done) => {
    timer = setTimeout(() => done(''), AT_MOST_MS);
  });
  const text = await Promise.race([source(position.file), enough]);
  clearTimeout(timer);
  return frameOf(text, position, folder);
}

/** Innermost first. */
function positionsIn(stack: string): Position[] {
  // Node puts the place before a syntax error.
  const head = /^(\/.+|[A-Za-z]:\\.+|file:\/\/.+):(\d+)$/.exec(stack.split('\n', 1)[0] ?? '');
  const imported = /Cannot find (?:module|package) '([^']+)' imported from (\S+)/.exec(stack);
  const calls = stack.matchAll(/^\s+at (?:.*? \()?((?:file:\/\/)?[^\s()]*?):(\d+):(\d+)\)?$/gm);
  return [
    ...(head === null ? [] : [{ file: head[1] ?? '', line: Number(head[2]), column: null }]),
    ...(imported === null
      ? []
      : [{ file: imported[2] ?? '', line: { with: basename(imported[1] ?? '') }, column: null }]),
    ...[...calls].map(([, file = '', line, column]) => ({ file, line: Number(line), column: Number(column) })),
  ].map((position) => ({ ...position, file: pathOf(position.file) }));
}

function pathOf(file: string): string {
  try {
    return file.startsWith('file:') ? fileURLToPath(file) : file;
  } catch {
    return '';
  }
}

function isOwn(file: string): boolean {
  return isAbsolute(file) && !/[/\\]node_modules[/\\]/.test(file) && relative(tutti, file).startsWith('..');
}

async function source(file: string): Promise<string> {
  try {
    const stats = await stat(file);
    return stats.isFile() && stats.size <= MOST_BYTES ? await readFile(file, 'utf8') : '';
  } catch {
    return '';
  }
}

function frameOf(text: string, { file, line, column }: Position, folder: string): string[] {
  const lines = text.split(/\r?\n/);
  const at = typeof line === 'number' ? line : lines.findIndex((one) => one.includes(line.with)) + 1;
  const inside = relative(folder, file);
  const name = inside.startsWith('..') || isAbsolute(inside) ? file : inside;
  if (text === '' || at < 1 || at > lines.length) return [];
  const first = Math.max(1, at - AROUND);
  const width = String(Math.min(lines.length, at + AROUND)).length;
  // Of a long line, as bundlers write them, only the part near the error.
  const from = Math.max(0, (column ?? 1) - WIDTH / 2);
  const cut = (one: string): string => one.replaceAll('\t', ' ').slice(from, from + WIDTH);
  const shown = lines.slice(first - 1, at + AROUND).map((one, index) => {
    const number = first + index;
    return `${number === at ? '>' : ' '} ${String(number).padStart(width)} | ${cut(one)}`.trimEnd();
  });
  if (column !== null) shown.splice(at - first + 1, 0, `  ${' '.repeat(width)} | ${' '.repeat(column - 1 - from)}^`);
  return [`${name}:${at}${column === null ? '' : `:${column}`}`, ...shown];
}
