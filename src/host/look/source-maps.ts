// Maps positions in compiled code to positions in the original source (primary; for reports only).

import { readFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Frame } from '../../supervisor/vocabulary/incident.ts';

/** A frame from the debugger, with what is needed to map it to its source. */
export interface RawFrame extends Frame {
  /** URL of the script's source map, often inline; empty if it has none. */
  sourceMapUrl: string;
}

/** Frames whose source map cannot be read stay unchanged. */
export async function mapFrames(frames: readonly RawFrame[]): Promise<Frame[]> {
  const maps = new Map<string, Promise<SourceMap | null>>();
  return Promise.all(
    frames.map(async ({ sourceMapUrl, ...frame }) => {
      const file = frame.file.startsWith('file:') ? fileURLToPath(frame.file) : frame.file;
      if (sourceMapUrl === '') return { ...frame, file };
      const known = maps.get(sourceMapUrl) ?? readSourceMap(sourceMapUrl, file);
      maps.set(sourceMapUrl, known);
      const entry = (await known)?.findEntry(frame.line - 1, frame.column - 1);
      if (!entry || !('originalSource' in entry)) return { ...frame, file };
      const source = entry.originalSource;
      return {
        function: frame.function,
        file: source.startsWith('file:') ? fileURLToPath(source) : resolve(dirname(file), source),
        line: entry.originalLine + 1,
        column: entry.originalColumn + 1,
      };
    }),
  );
}

async function readSourceMap(url: string, file: string): Promise<SourceMap | null> {
  try {
    const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url);
    const text = inline
      ? Buffer.from(decodeURIComponent(inline[2] as string), inline[1] ? 'base64' : 'utf8').toString('utf8')
      : await readFile(resolve(dirname(file), decodeURIComponent(url)), 'utf8');
    const payload: SourceMapPayload = JSON.parse(text);
    return new SourceMap(payload);
  } catch {
    return null;
  }
}
