import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../../support/seed.ts';
import { LineSplitter, LONGEST_LINE_BYTES } from '../../../src/logs/workers/line-splitter.ts';
import { formatRecord, parseRecord } from '../../../src/logs/workers/record.ts';
import { intervalOf } from '../../../src/logs/workers/rotation.ts';

test('LineSplitter gives whole lines however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', '')),
        { minLength: 1 },
      ),
      fc.array(fc.nat(20)),
      (lines, cuts) => {
        const bytes = Buffer.from(`${lines.join('\n')}\n`);
        const splitter = new LineSplitter();
        const got: string[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          for (const line of splitter.push(bytes.subarray(at, at + cut))) got.push(line.toString());
          at += cut;
        }
        assert.deepEqual(got, lines);
        assert.equal(splitter.end(), null);
      },
    ),
  );
});

test('LineSplitter keeps an unfinished last line for the end', () => {
  const splitter = new LineSplitter();
  assert.deepEqual(splitter.push(Buffer.from('a\nb')).map(String), ['a']);
  assert.equal(String(splitter.end()), 'b');
});

test('LineSplitter bounds a line without end, and never cuts a character', () => {
  const splitter = new LineSplitter();
  const flood = Buffer.from(`x${'€'.repeat(LONGEST_LINE_BYTES / 2)}`);
  const pieces: Buffer[] = [];
  for (let at = 0; at < flood.length; at += 65_536) pieces.push(...splitter.push(flood.subarray(at, at + 65_536)));
  const rest = splitter.end();
  if (rest) pieces.push(rest);
  assert.ok(pieces.length > 1);
  for (const piece of pieces)
    assert.ok(piece.length <= LONGEST_LINE_BYTES + 65_536 && !piece.toString().includes('\uFFFD'));
  assert.ok(Buffer.concat(pieces).equals(flood));
});

const origin = { slot: 3, pid: 77, generation: 2, stream: 'err' } as const;
const now = new Date('2026-01-02T03:04:05.678Z');

test('formatRecord() and parseRecord() agree in json and pretty', () => {
  const json = formatRecord('json', origin, Buffer.from('wörld "x"'), now).toString();
  assert.deepEqual(parseRecord(json.trimEnd()), { time: now.toISOString(), ...origin, line: 'wörld "x"' });
  const pretty = formatRecord('pretty', origin, Buffer.from('] [x] {'), now).toString();
  assert.equal(pretty, '2026-01-02T03:04:05.678Z [3!] ] [x] {\n');
  const { slot, stream, line } = parseRecord(pretty.trimEnd());
  assert.deepEqual({ slot, stream, line }, { slot: 3, stream: 'err', line: '] [x] {' });
});

test('formatRecord() leaves raw lines untouched, bytes that are no UTF-8 too', () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x20]);
  assert.ok(formatRecord('raw', origin, bytes, now).subarray(0, 3).equals(bytes));
});

test('intervalOf() gives an interval that divides the clock and is not above the age', () => {
  assert.equal(intervalOf(10_000), 10_000);
  assert.equal(intervalOf(45 * 60_000), 30 * 60_000);
  assert.equal(intervalOf(7 * 3_600_000), 6 * 3_600_000);
  assert.equal(intervalOf(3 * 86_400_000 + 5), 3 * 86_400_000);
});
