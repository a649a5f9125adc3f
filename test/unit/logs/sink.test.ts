// A sink and what it writes to: whatever that takes, and whenever, lines come whole and in order, and what is missing is counted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Outlet, Sink } from '../../../src/logs/workers/sink.ts';
import { eventually } from '../../support/eventually.ts';
import '../../support/seed.ts';

class Place implements Outlet {
  text = '';
  opened = 0;
  closed = 0;
  /** Answers how many bytes are taken, or throws. */
  takes: (bytes: Buffer) => number | Promise<number> = (bytes) => bytes.length;
  opens: () => void = () => {};

  async open(): Promise<void> {
    this.opens();
    this.opened += 1;
  }

  async write(bytes: Buffer): Promise<number> {
    // The sink may use the memory again: what was taken is copied.
    const taken = await this.takes(bytes);
    this.text += bytes.toString('latin1', 0, taken);
    return taken;
  }

  async look(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function sinkTo(place: Place): { sink: Sink; told: string[] } {
  const told: string[] = [];
  const sink = new Sink({
    outlet: place,
    explain: (dropped) => Buffer.from(`dropped ${dropped}\n`),
    onTrouble: (error) => told.push(error.message),
    onHealed: (lost) => told.push(`healed, ${lost} lost`),
  });
  return { sink, told };
}

test('what is taken in pieces, or later, comes out whole and in order', async () => {
  const steps = fc.array(fc.oneof(fc.nat(9), fc.constant('EAGAIN' as const)), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 8 }), { maxLength: 20 }), steps, async (lines, pieces) => {
      const place = new Place();
      place.takes = (bytes) => {
        const next = pieces.shift();
        if (next === 'EAGAIN') throw failure(next);
        return Math.min(bytes.length, next ?? bytes.length);
      };
      const { sink, told } = sinkTo(place);
      for (const line of lines) sink.write(Buffer.from(`${line}\n`));
      assert.equal(await sink.end(), true);
      assert.equal(place.text, Buffer.from(lines.map((line) => `${line}\n`).join('')).toString('latin1'));
      assert.deepEqual([told, place.opened, place.closed], [[], 1, 1]);
    }),
    { numRuns: 60 },
  );
});

test('a place that takes nothing costs 8 MB and one line; the rest is dropped, counted in its place, and told', async () => {
  const place = new Place();
  let release = () => {};
  const stuck = new Promise<void>((resolve) => {
    release = resolve;
  });
  place.takes = async (bytes) => {
    await stuck;
    return bytes.length;
  };
  const { sink } = sinkTo(place);
  await sink.opened;
  const line = Buffer.alloc(2 ** 20, 'x');
  line[line.length - 1] = 10;
  for (let i = 0; i < 12; i += 1) sink.write(line, 3);
  release();
  await eventually('all that was taken to be written', () => place.text.includes('dropped'));
  sink.write(Buffer.from('after\n'));
  await sink.end();
  const [kept, after] = place.text.split('dropped ');
  assert.equal(kept?.length, 9 * line.length);
  assert.equal(after, '9\nafter\n', 'three calls of three lines each');
});

test('a place that refuses is trouble that is told once; it is opened again, and nothing that was taken is lost', async () => {
  const place = new Place();
  let refusals = 1;
  place.takes = (bytes) => {
    if (refusals-- > 0) throw failure('ENOSPC');
    return bytes.length;
  };
  const { sink, told } = sinkTo(place);
  sink.write(Buffer.from('one\n'));
  await eventually('it is written', () => place.text === 'one\n');
  await eventually('it is told', () => told.length === 2);
  assert.deepEqual(told, ['ENOSPC', 'healed, 0 lost']);
  assert.equal(place.opened, 2);
  await sink.end();
});

test('what cannot be opened is tried again, and at the end no longer', async () => {
  const place = new Place();
  place.opens = () => {
    throw failure('EACCES');
  };
  const { sink, told } = sinkTo(place);
  assert.equal((await sink.opened)?.code, 'EACCES');
  sink.write(Buffer.from('one\n'));
  assert.equal(await sink.end(), true);
  assert.deepEqual([told, place.text, place.closed], [['EACCES'], '', 1]);
});

test('after a rotation by somebody else the file of that name is opened before the next line', async () => {
  const place = new Place();
  const { sink } = sinkTo(place);
  sink.write(Buffer.from('one\n'));
  await eventually('it is written', () => place.text === 'one\n');
  place.opens = () => {
    place.text += '(opened)\n';
  };
  sink.reopen();
  sink.write(Buffer.from('two\n'));
  await sink.end();
  assert.equal(place.text, 'one\n(opened)\ntwo\n');
});
