// Workers' output on an interactive terminal: every line behind the slot it comes from, lines whole and in order (primary). Only a
// terminal is fed this way; anywhere else output does not pass through the primary.

import { createColors } from 'picocolors';
import { oneLine } from '../own/visible.ts';
import { LineSplitter } from './line-splitter.ts';

export interface LabelledOutput {
  slot: number | null;
  pid: number;
  stream: 'stdout' | 'stderr';
  chunk: Buffer;
}

interface Source {
  label: string;
  stream: 'stdout' | 'stderr';
  splitter: LineSplitter;
}

export class TerminalLabels {
  readonly #write: (stream: 'stdout' | 'stderr', text: Buffer) => void;
  readonly #paint: readonly ((text: string) => string)[];
  readonly #sources = new Map<string, Source>();

  constructor(color: boolean, write: (stream: 'stdout' | 'stderr', text: Buffer) => void) {
    this.#write = write;
    const { cyan, magenta, yellow, green, blue } = createColors(color);
    this.#paint = [cyan, magenta, yellow, green, blue];
  }

  push({ slot, pid, stream, chunk }: LabelledOutput): void {
    const key = `${pid} ${stream}`;
    let source = this.#sources.get(key);
    if (source === undefined) {
      source = { label: this.#label(slot), stream, splitter: new LineSplitter() };
      this.#sources.set(key, source);
    }
    for (const line of source.splitter.push(chunk)) this.#line(source, line);
  }

  /** The worker has ended: what it wrote after its last newline is a line too. */
  ended(pid: number): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const key = `${pid} ${stream}`;
      const source = this.#sources.get(key);
      if (source === undefined) continue;
      const rest = source.splitter.end();
      if (rest !== null) this.#line(source, rest);
      this.#sources.delete(key);
    }
  }

  #line({ label, stream }: Source, line: Buffer): void {
    this.#write(stream, Buffer.from(`${label}${oneLine(line.toString())}\n`));
  }

  #label(slot: number | null): string {
    if (slot === null) return '[spare] ';
    const paint = this.#paint[slot % this.#paint.length] ?? ((text: string) => text);
    return `${paint(`[${slot}]`)} `;
  }
}
