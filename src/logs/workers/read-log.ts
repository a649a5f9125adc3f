// Reads a log file for `tutti logs`: its last lines, reaching back into rotated files, and whatever is appended from then on.

import { constants, createReadStream, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { LineSplitter } from './line-splitter.ts';
import { placeOf } from './log-place.ts';
import { type LogRecord, parseRecord } from './record.ts';

export interface Where {
  /** Only this slot's lines. */
  slot?: number;
  /** Only what went to that stream. */
  stream?: 'out' | 'err';
  /** Only lines that it finds something in. */
  pattern?: RegExp;
}

/** What a reader may cost; without limits as much as it takes. */
export interface ReadLimits {
  /** Of the lines that are given out, and of those that are looked at. */
  maxBytes?: number;
  maxReadBytes?: number;
  /** For a process that has better things to do: a rest of so many times what was worked, every few milliseconds. */
  rest?: number;
  /** Rejects when it aborts. */
  signal?: AbortSignal;
}

const { O_RDONLY, O_NONBLOCK } = constants;
// Chosen, not measured: what follows a log sees a line at once to the eye, and a primary that reads for the page is never busy for longer
// than a few milliseconds.
const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 150;
const WORK_MS = 4;
const LONGEST_REST_MS = 100;

/** The last `count` matching lines, oldest first, and the position after them. `isCut`: there may be more, and a limit was met. */
export async function lastRecords(
  file: string,
  count: number,
  where: Where = {},
  limits: ReadLimits = {},
): Promise<{ records: LogRecord[]; position: number; isCut: boolean }> {
  limits.signal?.throwIfAborted();
  const sought = new Sought(count, where, limits);
  const { records, position } = await fromEnd(file, sought);
  // Of a link the file behind it rotates.
  const { path } = await placeOf(file);
  for (let index = 1; !sought.isDone; index++) {
    const older = await rotated(path, index, sought);
    if (!older) break;
    records.unshift(...older);
  }
  return { records, position, isCut: sought.isCut };
}

/** Rests as many times as long as was worked. */
class Pace {
  readonly #rest: number;
  #since = performance.now();

  constructor(rest: number) {
    this.#rest = rest;
  }

  async worked(signal: AbortSignal | undefined): Promise<void> {
    const workedMs = performance.now() - this.#since;
    if (this.#rest === 0 || workedMs < WORK_MS) return;
    await delay(Math.min(LONGEST_REST_MS, this.#rest * workedMs), undefined, signal ? { signal } : {});
    this.rested();
  }

  rested(): void {
    this.#since = performance.now();
  }
}

/** What is still looked for. */
class Sought {
  readonly where: Where;
  readonly signal: AbortSignal | undefined;
  count: number;
  isCut = false;
  readonly #pace: Pace;
  #bytes: number;
  #readBytes: number;

  constructor(count: number, where: Where, { maxBytes, maxReadBytes, rest, signal }: ReadLimits) {
    this.count = count;
    this.where = where;
    this.signal = signal;
    this.#pace = new Pace(rest ?? 0);
    this.#bytes = maxBytes ?? Number.POSITIVE_INFINITY;
    this.#readBytes = maxReadBytes ?? Number.POSITIVE_INFINITY;
  }

  get isDone(): boolean {
    return this.count <= 0 || this.isCut;
  }

  /** Counts bytes that were read. */
  async read(bytes: number): Promise<void> {
    this.signal?.throwIfAborted();
    this.#readBytes -= bytes;
    if (this.#readBytes < 0) this.isCut = true;
    await this.#pace.worked(this.signal);
  }

  /** How many of these, counted from their end, fit. They are taken off from what is sought. */
  take(records: readonly LogRecord[]): LogRecord[] {
    let first = records.length;
    while (first > 0 && this.count > 0) {
      const bytes = records[first - 1]?.line.length ?? 0;
      if (bytes > this.#bytes) {
        this.isCut = true;
        break;
      }
      this.#bytes -= bytes;
      this.count -= 1;
      first -= 1;
    }
    return records.slice(first);
  }

  /** The room that is left for lines. */
  get bytes(): number {
    return this.#bytes;
  }
}

/** Every matching line appended after `position`, through rotation and truncation, until `signal` aborts. `rest`: as in `ReadLimits`. */
export async function* follow(
  file: string,
  position: number,
  where: Where = {},
  signal?: AbortSignal,
  rest = 0,
): AsyncGenerator<LogRecord> {
  const pace = new Pace(rest);
  let handle = await openFile(file).catch(() => null);
  let at = position;
  let splitter = new LineSplitter();
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let left = false;
  try {
    while (!signal?.aborted) {
      for (;;) {
        const { bytesRead } = (await handle?.read(buffer, 0, buffer.length, at)) ?? { bytesRead: 0 };
        if (bytesRead === 0 || signal?.aborted) break;
        await pace.worked(signal).catch(() => {});
        at += bytesRead;
        for (const line of splitter.push(Buffer.from(buffer.subarray(0, bytesRead)))) {
          const record = parseRecord(line.toString());
          if (matches(record, where)) yield record;
        }
      }
      const now = identity(file);
      const mine = handle ? await handle.stat() : null;
      if (now !== null && (mine === null || now.ino !== mine.ino || now.size < at)) {
        // Once more to its end: lines may have come between our last look and the rotation.
        left = !left && handle !== null;
        if (left) continue;
        await handle?.close();
        handle = await openFile(file).catch(() => null);
        at = 0;
        splitter = new LineSplitter();
        if (handle !== null) continue;
      }
      await delay(POLL_MS, undefined, signal ? { signal } : {}).catch(() => {});
      pace.rested();
    }
  } finally {
    await handle?.close();
  }
}

function matches(record: LogRecord, { slot, stream, pattern }: Where): boolean {
  return (
    (slot === undefined || record.slot === slot) &&
    (stream === undefined || record.stream === stream) &&
    (pattern === undefined || pattern.test(record.line))
  );
}

function identity(file: string): { ino: number; size: number } | null {
  try {
    const stats = statSync(file);
    return stats.isFile() ? stats : null;
  } catch {
    return null;
  }
}

/** Null for what is no file: a named pipe would be waited for, or its lines taken from who reads it, and a device may never end. */
async function openFile(file: string): Promise<FileHandle | null> {
  const handle = await open(file, O_RDONLY | O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return null;
}

/** Reads backwards, so that the last lines of a large file cost nothing. */
async function fromEnd(file: string, sought: Sought): Promise<{ records: LogRecord[]; position: number }> {
  const handle = await openFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!handle) return { records: [], position: 0 };
  try {
    const { size } = await handle.stat();
    const pieces: LogRecord[][] = [];
    let head: Buffer = Buffer.alloc(0);
    let position = size;
    let end = size;
    let first = true;
    while (end > 0 && !sought.isDone) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const chunk = Buffer.alloc(end - start);
      await handle.read(chunk, 0, chunk.length, start);
      // Also of a line that is put together over and over.
      await sought.read(chunk.length + head.length);
      end = start;
      const lines = split(Buffer.concat([chunk, head]));
      if (first) {
        // an unfinished last line is left to follow()
        position = size - (lines.pop()?.length ?? 0);
        first = false;
      }
      head = end > 0 ? (lines.shift() ?? Buffer.alloc(0)) : Buffer.alloc(0);
      if (head.length > 0 && lines.length === 0) continue;
      pieces.unshift(sought.take(lines.map(recordOf).filter((record) => matches(record, sought.where))));
    }
    return { records: pieces.flat(), position };
  } finally {
    await handle.close();
  }
}

function recordOf(line: Buffer): LogRecord {
  return parseRecord(line.toString());
}

function split(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    parts.push(bytes.subarray(start, end));
    start = end + 1;
  }
  parts.push(bytes.subarray(start));
  return parts;
}

async function rotated(file: string, index: number, sought: Sought): Promise<LogRecord[] | null> {
  for (const name of [`${file}.${index}.gz`, `${file}.${index}`]) {
    if (!identity(name)) continue;
    const kept: LogRecord[] = [];
    let bytes = 0;
    let isFull = false;
    const keep = (line: Buffer): void => {
      const record = recordOf(line);
      if (!matches(record, sought.where)) return;
      bytes += record.line.length;
      kept.push(record);
      isFull ||= bytes > sought.bytes;
      while (kept.length > sought.count || bytes > sought.bytes) bytes -= kept.shift()?.line.length ?? bytes;
    };
    const splitter = new LineSplitter();
    const collect = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) {
        await sought.read(chunk.length);
        if (sought.isCut) return;
        for (const line of splitter.push(chunk)) keep(line);
      }
    };
    const options = sought.signal ? { signal: sought.signal } : {};
    try {
      if (name.endsWith('.gz')) await pipeline(createReadStream(name), createGunzip(), collect, options);
      else await pipeline(createReadStream(name), collect, options);
      const rest = splitter.end();
      if (rest) keep(rest);
    } catch {
      sought.signal?.throwIfAborted();
      // It is being compressed, was renamed by a rotation, or is damaged: what can be read of it is shown.
    }
    // Of a file that was not read to its end, the last lines are not known.
    const taken = sought.isCut ? [] : sought.take(kept);
    sought.isCut ||= isFull;
    return taken;
  }
  return null;
}
