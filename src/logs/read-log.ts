// Reads a log file for `tutti logs`: its last lines, reaching back into rotated files, and whatever is appended from then on.

import { createReadStream, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { LineSplitter } from './line-splitter.ts';
import { type LogRecord, parseRecord } from './record.ts';

export interface Where {
  /** Only this slot's lines. */
  slot?: number;
}

const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 150;

/** The last `count` matching lines, oldest first, and the position after them. */
export async function lastRecords(
  file: string,
  count: number,
  where: Where = {},
): Promise<{ records: LogRecord[]; position: number }> {
  const { records, position } = await fromEnd(file, count, where);
  for (let index = 1; records.length < count; index++) {
    const older = await rotated(file, index, count - records.length, where);
    if (!older) break;
    records.unshift(...older);
  }
  return { records, position };
}

/** Every matching line appended after `position`, through rotation and truncation, until `signal` aborts. */
export async function* follow(
  file: string,
  position: number,
  where: Where = {},
  signal?: AbortSignal,
): AsyncGenerator<LogRecord> {
  let handle = await open(file).catch(() => null);
  let at = position;
  let splitter = new LineSplitter();
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let left = false;
  try {
    while (!signal?.aborted) {
      for (;;) {
        const { bytesRead } = (await handle?.read(buffer, 0, buffer.length, at)) ?? { bytesRead: 0 };
        if (bytesRead === 0) break;
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
        handle = await open(file).catch(() => null);
        at = 0;
        splitter = new LineSplitter();
        continue;
      }
      await delay(POLL_MS, undefined, signal ? { signal } : {}).catch(() => {});
    }
  } finally {
    await handle?.close();
  }
}

function matches(record: LogRecord, { slot }: Where): boolean {
  return slot === undefined || record.slot === slot;
}

function identity(file: string): { ino: number; size: number } | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}

/** Reads backwards, so that the last lines of a large file cost nothing. */
async function fromEnd(file: string, count: number, where: Where): Promise<{ records: LogRecord[]; position: number }> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!handle) return { records: [], position: 0 };
  try {
    const { size } = await handle.stat();
    const records: LogRecord[] = [];
    let head: Buffer = Buffer.alloc(0);
    let position = size;
    let end = size;
    let first = true;
    while (end > 0 && records.length < count) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const chunk = Buffer.alloc(end - start);
      await handle.read(chunk, 0, chunk.length, start);
      end = start;
      const lines = split(Buffer.concat([chunk, head]));
      if (first) {
        // an unfinished last line is left to follow()
        position = size - (lines.pop()?.length ?? 0);
        first = false;
      }
      head = end > 0 ? (lines.shift() ?? Buffer.alloc(0)) : Buffer.alloc(0);
      if (head.length > 0 && lines.length === 0) continue;
      const found = lines.map((line) => parseRecord(line.toString())).filter((record) => matches(record, where));
      records.unshift(...found.slice(-(count - records.length)));
    }
    return { records: count === 0 ? [] : records, position };
  } finally {
    await handle.close();
  }
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

async function rotated(file: string, index: number, count: number, where: Where): Promise<LogRecord[] | null> {
  for (const name of [`${file}.${index}.gz`, `${file}.${index}`]) {
    if (!identity(name)) continue;
    const records: LogRecord[] = [];
    const keep = (bytes: Buffer): void => {
      const record = parseRecord(bytes.toString());
      if (!matches(record, where)) return;
      records.push(record);
      if (records.length > count) records.shift();
    };
    const splitter = new LineSplitter();
    const collect = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) for (const line of splitter.push(chunk)) keep(line);
    };
    try {
      if (name.endsWith('.gz')) await pipeline(createReadStream(name), createGunzip(), collect);
      else await pipeline(createReadStream(name), collect);
      const rest = splitter.end();
      if (rest) keep(rest);
    } catch {
      // It is being compressed, was renamed by a rotation, or is damaged: what can be read of it is shown.
    }
    return records;
  }
  return null;
}
