// Rows in aligned columns. Pure.

import { stripVTControlCharacters } from 'node:util';

export interface Column {
  title: string;
  /** Numbers stand to the right. */
  align?: 'left' | 'right';
}

/** Two spaces between columns, none at the end of a line. Cells may hold colours. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], paintTitle = same): string[] {
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...rows.map((row) => width(row[index] ?? ''))),
  );
  const line = (cells: readonly string[], paint: (text: string) => string) =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? '';
        const gap = ' '.repeat(Math.max(0, (widths[index] ?? 0) - width(cell)));
        return column.align === 'right' ? gap + paint(cell) : paint(cell) + gap;
      })
      .join('  ')
      .trimEnd();
  return [
    line(
      columns.map((column) => column.title),
      paintTitle,
    ),
    ...rows.map((row) => line(row, same)),
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
