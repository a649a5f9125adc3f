import assert from 'node:assert/strict';
import fs, { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { Scoreboard } from '../../../src/host/connections/scoreboard.ts';
import type { Heartbeat } from '../../../src/protocol/messages.ts';
import {
  RECORD_ALIVE_AT,
  RECORD_BYTES,
  RECORD_NUMBERS,
  RECORD_TURN,
  RECORD_TURN_AGAIN,
  recordOffset,
  systemMs,
  TALLY_NUMBERS,
  TALLY_STATUS,
  takeAnswers,
  takeCounts,
} from '../../../src/protocol/scoreboard-layout.ts';
import { ScoreboardSeat } from '../../../src/worker/report/scoreboard-seat.ts';

function create(): Scoreboard {
  const board = Scoreboard.create();
  assert.ok(board);
  return board;
}

function seat(
  board: Scoreboard,
  cell = board.allocate() ?? -1,
  tally = new Float64Array(TALLY_NUMBERS),
): ScoreboardSeat {
  const taken = ScoreboardSeat.open({ path: board.path, cell }, tally);
  assert.ok(taken);
  return taken;
}

test('workers see what the others hold, and only those that accept', () => {
  const board = create();
  const [a, b, c] = [0, 1, 2].map(() => seat(board));
  assert.ok(a && b && c);
  a.write(0, 5);
  b.write(1, 7);
  c.write(null, 9);
  assert.deepEqual(a.siblings(), [{ cell: 1, slot: 1, connections: 7 }]);
  assert.deepEqual(
    c.siblings().map(({ cell }) => cell),
    [0, 1],
  );
  const connections = board.connections();
  assert.deepEqual([0, 1, 2, 3].map(connections), [5, 7, 9, 0]);
  for (const cell of [a, b, c]) cell.abandon();
  board.close();
});

test('the cell of a dead worker is empty and given out again', () => {
  const board = create();
  const cells = [board.allocate(), board.allocate(), board.allocate()];
  assert.deepEqual(cells, [0, 1, 2]);
  const dead = seat(board, 1);
  dead.write(1, 40);
  board.release(1);
  assert.equal(board.connections()(1), 0);
  assert.equal(board.allocate(), 1);
  dead.abandon();
  board.close();
});

test('where the file system is full, the next worker does without a cell, and gets one when there is room', (t) => {
  const board = create();
  assert.equal(board.allocate(), 0);
  const full = t.mock.method(fs, 'writeSync', () => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  });
  syncBuiltinESMExports();
  try {
    assert.equal(board.allocate(), null);
    board.release(0);
  } finally {
    full.mock.restore();
    syncBuiltinESMExports();
  }
  assert.equal(board.allocate(), 0);
  board.close();
});

test('more workers than were ever expected find each other', () => {
  const board = create();
  const cells = Array.from({ length: 100 }, () => seat(board));
  for (const [i, cell] of cells.entries()) cell.write(i, i);
  assert.equal(cells[0]?.siblings().length, 99);
  assert.equal(cells[0]?.siblings().at(-1)?.connections, 99);
  for (const cell of cells) cell.abandon();
  board.close();
});

test('the file goes with the primary, also with one that could not remove it', () => {
  const board = create();
  assert.equal(existsSync(board.path), true);
  board.close();
  assert.equal(existsSync(board.path), false);
});

test('the primary reads what each worker has said of itself since it looked last', () => {
  const board = create();
  const tally = new Float64Array(TALLY_NUMBERS).fill(3);
  const [a, b] = [0, 1].map(() => seat(board, undefined, tally));
  assert.ok(a && b);
  const heard = (): [cell: number, beat: Heartbeat | null][] => {
    const found: [number, Heartbeat | null][] = [];
    board.signs((cell, aliveAt, beat) => {
      assert.ok(Math.abs(aliveAt - systemMs(process.hrtime())) < 10_000);
      found.push([cell, beat]);
    });
    return found;
  };
  assert.deepEqual(heard(), []);
  const { beat } = exampleOfBeat;
  assert.equal(a.writeBeat(beat), true);
  assert.equal(b.writeAlive(), true);
  assert.deepEqual(heard(), [
    [0, { ...beat, extra: { ...beat.extra, ...takeCounts(tally) } }],
    [1, null],
  ]);
  assert.deepEqual(heard(), []);
  tally.fill(4);
  a.writeTally();
  assert.deepEqual(heard(), [], 'counts are no sign of life');
  assert.equal(board.tally(0).latencySumMs, 4);
  a.writeAlive();
  assert.deepEqual(heard(), [[0, null]], 'the beat was heard already');
  board.release(0);
  assert.equal(board.allocate(), 0);
  assert.deepEqual(heard(), [], 'the dead said nothing to whoever has their cell');
  board.close();
});

test('half a beat is a sign of life, and told when it is whole', () => {
  const board = create();
  const cell = board.allocate() ?? -1;
  const own = seat(board, cell);
  own.writeBeat(exampleOfBeat.beat);
  const fd = openSync(board.path, 'r+');
  writeSync(fd, new Float64Array([0]), 0, 8, recordOffset(cell) + 8 * RECORD_TURN_AGAIN);
  const beats: (Heartbeat | null)[] = [];
  board.signs((_cell, _at, beat) => void beats.push(beat));
  writeSync(fd, new Float64Array([1]), 0, 8, recordOffset(cell) + 8 * RECORD_TURN_AGAIN);
  closeSync(fd);
  own.writeAlive();
  board.signs((_cell, _at, beat) => void beats.push(beat));
  assert.equal(beats[0], null);
  assert.equal(beats[1]?.rssBytes, exampleOfBeat.beat.rssBytes);
  board.close();
});

test('the counts of all workers are there as of now, heartbeat or not', () => {
  const board = create();
  const cells = [board.allocate() ?? -1, board.allocate() ?? -1, board.allocate() ?? -1];
  cells.slice(1).forEach((cell, index) => {
    const tally = new Float64Array(TALLY_NUMBERS);
    tally.set([1, 0, 10 * (index + 1)], TALLY_STATUS);
    seat(board, cell, tally).writeTally();
  });
  const [none = -1, one = -1, two = -1] = cells;
  const all = [...board.tallies(takeAnswers)].sort(([a], [b]) => a - b);
  assert.deepEqual(
    all,
    [
      [none, 0],
      [one, 11],
      [two, 21],
    ].sort(([a = 0], [b = 0]) => a - b),
  );
  const counts = new Map(board.tallies(takeCounts));
  assert.deepEqual(counts.get(two)?.status, [1, 0, 20, 0, 0, 0]);
  board.release(one);
  assert.equal([...board.tallies(takeAnswers)].length, 2);
  board.close();
  assert.deepEqual([...board.tallies(takeAnswers)], []);
});

test('a worker without a primary writes nothing more, and misses nothing', () => {
  const board = create();
  const own = seat(board);
  own.abandon();
  const other = create();
  // Whatever has got the number of the descriptor by now is somebody else's.
  const before = readFileSync(other.path);
  own.write(3, 4);
  assert.deepEqual([own.writeTally(), own.writeBeat(exampleOfBeat.beat), own.writeAlive()], [true, true, true]);
  assert.deepEqual(own.siblings(), []);
  assert.deepEqual(readFileSync(other.path), before);
  board.close();
  other.close();
});

const exampleOfBeat: { beat: Heartbeat } = {
  beat: {
    ...{ rssBytes: 1, heapUsedBytes: 2, cpuUserMicros: 3, cpuSystemMicros: 4, eventLoopUtilization: 0.5 },
    ...{ cpuPercent: 5, eventLoopDelayP99Ms: 6.5, connections: 7, activeRequests: 8, requestsTotal: 9 },
    ...{ inspected: false, handlesUsr1: true },
    extra: {
      ...takeCounts(new Float64Array(TALLY_NUMBERS)),
      ...{ heapTotalBytes: 10, heapLimitBytes: 11, failures: 2, externalBytes: 12 },
      transfers: { sent: 13, adopted: 14, refused: 15 },
      gc: {
        minor: { count: 16, ms: 1.5 },
        major: { count: 17, ms: 2.5 },
        incremental: { count: 18, ms: 3.5 },
        weakcb: { count: 19, ms: 4.5 },
      },
    },
  },
};

test('numbers that are none are no heartbeat, and no counts', () => {
  const board = create();
  const cell = board.allocate() ?? -1;
  const odd = new Float64Array(RECORD_NUMBERS).fill(Number.NaN);
  const write = (): void => {
    const file = openSync(board.path, 'r+');
    writeSync(file, odd, 0, RECORD_BYTES, recordOffset(cell));
    closeSync(file);
  };
  const heard: (Heartbeat | null)[] = [];
  write();
  board.signs((_cell, _at, beat) => void heard.push(beat));
  assert.equal(heard.length, 0, 'a time that is none is no sign of life');
  odd[RECORD_ALIVE_AT] = 5;
  odd[RECORD_TURN] = 1;
  odd[RECORD_TURN_AGAIN] = 1;
  odd[0] = -3;
  odd[1] = Number.POSITIVE_INFINITY;
  write();
  board.signs((_cell, _at, beat) => void heard.push(beat));
  assert.deepEqual(heard, [null]);
  assert.deepEqual(board.tally(cell).status, [0, 0, 0, 0, 0, 0]);
  assert.equal(board.tally(cell).latencySumMs, 0);
  board.close();
});
