// The whole terminal for one program: the alternate screen, keys one by one, the size. Gives everything back, however it ends.

import process from 'node:process';
import { oneLine } from '../../logs/own/visible.ts';
import { clip } from '../shared/table.ts';

const enter = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const leave = '\u001b[?7h\u001b[?25h\u001b[?1049l';

export interface Size {
  columns: number;
  rows: number;
}

export class Screen {
  readonly #onKey: (key: string) => void;
  readonly #onResize: () => void;
  #open = false;
  #shown: readonly string[] = [];

  constructor(handlers: { key: (key: string) => void; resize: () => void }) {
    this.#onKey = handlers.key;
    this.#onResize = handlers.resize;
  }

  get size(): Size {
    // 0 is what a terminal says that does not know its size.
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  open(): void {
    this.#open = true;
    process.stdin.setRawMode(true);
    process.stdin.setEncoding('utf8').resume();
    process.stdin.on('data', this.#read);
    process.stdout.on('resize', this.#resized);
    process.on('exit', this.close);
    process.stdout.write(enter);
  }

  /** Also called by the process's own exit, whatever the reason. */
  readonly close = (): void => {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.close);
    process.stdout.off('resize', this.#resized);
    process.stdin.off('data', this.#read);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stdout.write(leave);
  };

  /** Writes only the lines that differ from what is there, so that nothing flickers and a slow line is not flooded. */
  draw(lines: readonly string[]): void {
    if (!this.#open) return;
    const { columns, rows } = this.size;
    const shown = Array.from({ length: rows }, (_, row) => clip(oneLine(lines[row] ?? ''), columns));
    let text = '';
    for (let row = 0; row < rows; row += 1) {
      const line = shown[row] ?? '';
      if (line !== this.#shown[row]) text += `\u001b[${row + 1};1H${line}\u001b[0m\u001b[K`;
    }
    this.#shown = shown;
    if (text !== '') process.stdout.write(text);
  }

  readonly #resized = (): void => {
    this.#shown = [];
    process.stdout.write('\u001b[2J');
    this.#onResize();
  };

  /** Several keys may come at once; an escape sequence is one key. */
  readonly #read = (chunk: string): void => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
    for (const [key] of chunk.matchAll(/\u001b\[[0-9;]*[A-Za-z~]|\u001bO.|[\s\S]/g)) this.#onKey(key);
  };
}
