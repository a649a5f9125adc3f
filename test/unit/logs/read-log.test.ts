import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { lastRecords } from '../../../src/logs/workers/read-log.ts';

/** Oldest file first; each line has 100 bytes and begins with its number. */
function logOf(test: TestContext, counts: readonly number[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-log-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'app.log');
  let number = 0;
  for (const [index, count] of counts.entries()) {
    const text = Array.from({ length: count }, () => `${String(number++).padEnd(100, '.')}\n`).join('');
    const age = counts.length - 1 - index;
    if (age >= 2) writeFileSync(`${file}.${age}.gz`, gzipSync(text));
    else writeFileSync(age === 0 ? file : `${file}.${age}`, text);
  }
  return file;
}

const numbers = (records: readonly { line: string }[]) => records.map(({ line }) => Number.parseInt(line, 10));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test('the last lines, back into rotated files', async (context) => {
  const file = logOf(context, [50, 50, 50]);
  const { records, isCut } = await lastRecords(file, 120);
  assert.deepEqual(numbers(records), range(30, 150));
  assert.equal(isCut, false);
});

test('no more bytes than asked for, and without a gap, whichever file the limit is met in', async (context) => {
  const file = logOf(context, [2000, 2000, 2000]);
  for (const lines of [10, 2100, 4500]) {
    const { records, isCut } = await lastRecords(file, 10_000, {}, { maxBytes: lines * 100 });
    assert.deepEqual(numbers(records), range(6000 - lines, 6000), `${lines} lines`);
    assert.equal(isCut, true);
  }
});

test('no more is read than asked for: what there is of a slot that wrote nothing', async (context) => {
  const file = logOf(context, [2000, 2000, 2000]);
  const none = await lastRecords(file, 10, { slot: 9 }, { maxReadBytes: 300_000 });
  assert.deepEqual(none, { records: [], position: none.position, isCut: true });
  assert.equal((await lastRecords(file, 10, { slot: 9 })).isCut, false);
});

test('a line without an end is looked at for as many bytes as asked for', async (context) => {
  const file = logOf(context, [1]);
  writeFileSync(file, Buffer.alloc(3_000_000, 'x'));
  assert.equal((await lastRecords(file, 10, {}, { maxReadBytes: 1_000_000 })).isCut, true);
});

test('reading ends when it is cancelled', async (context) => {
  const file = logOf(context, [2000, 2000, 2000]);
  await assert.rejects(lastRecords(file, 10, {}, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  const cancel = new AbortController();
  const reading = lastRecords(file, 10_000, { slot: 9 }, { rest: 1000, signal: cancel.signal });
  cancel.abort();
  await assert.rejects(reading, { name: 'AbortError' });
});
