// Rows in aligned columns. Pure.

import { stripVTControlCharacters } from 'node:util';
import { oneLine } from '../../logs/own/visible.ts';

export interface Column {
  title: string;
  /** Numbers stand to the right. */
  align?: 'left' | 'right';
  /** It is left out where there is no room for it, those with the highest number first. Without a number: never. */
  spare?: number;
}

/**
 * Two spaces between columns, none at the end of a line. Cells may hold colours. In `room` columns of a terminal, if the rest fits;
 * what a column without a title says is cut before anything is left out for it.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paintTitle = same,
  room = Number.POSITIVE_INFINITY,
): string[] {
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...rows.map((row) => width(oneLine(row[index] ?? '')))),
  );
  const taken = columns.reduce((sum, { title }, index) => (title === '' ? sum : sum + 2 + (widths[index] ?? 0)), -2);
  const [least] = columns.filter(({ spare }) => spare !== undefined).sort((a, b) => (b.spare ?? 0) - (a.spare ?? 0));
  if (taken > room && least !== undefined) {
    const at = columns.indexOf(least);
    return table(
      columns.toSpliced(at, 1),
      rows.map((row) => row.toSpliced(at, 1)),
      paintTitle,
      room,
    );
  }
  const line = (cells: readonly string[], paint: (text: string) => string) =>
    columns
      .map((column, index) => {
        const cell = oneLine(cells[index] ?? '');
        if (index === columns.length - 1 && width(cell) === 0) return ''; // the colours of nothing would keep the line from ending
        const gap = ' '.repeat(Math.max(0, (widths[index] ?? 0) - width(cell)));
        return column.align === 'right' ? gap + paint(cell) : paint(cell) + gap;
      })
      .join('  ')
      .trimEnd();
  const fit = (text: string) => (columns.at(-1)?.title === '' ? clip(text, room) : text);
  return [
    line(
      columns.map((column) => column.title),
      paintTitle,
    ),
    ...rows.map((row) => fit(line(row, same))),
  ];
}

/** How many columns of a terminal the text takes, colours aside. */
export function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** At most `columns` wide, colours kept whole; an ellipsis stands for what was cut. */
export function clip(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let taken = 0;
  let clipped = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  for (const part of text.matchAll(/\u001b\[[0-9;]*m|./gsu)) {
    const isColor = part[0].length > 1 && part[0].startsWith('\u001b');
    if (isColor) clipped += part[0];
    else if (taken < columns - 1) {
      clipped += part[0];
      taken += 1;
    }
  }
  return columns > 0 ? `${clipped}…` : '';
}

function same(text: string): string {
  return text;
}
