import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Scoreboard } from '../../../src/host/scoreboard.ts';
import { ScoreboardCell } from '../../../src/worker/scoreboard-cell.ts';

function create(): Scoreboard {
  const board = Scoreboard.create();
  assert.ok(board);
  return board;
}

test('workers see what the others hold, and only those that accept', () => {
  const board = create();
  const [a, b, c] = [0, 1, 2].map(() => new ScoreboardCell({ path: board.path, cell: board.allocate() ?? -1 }));
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
  const dead = new ScoreboardCell({ path: board.path, cell: 1 });
  dead.write(1, 40);
  board.release(1);
  assert.equal(board.connections()(1), 0);
  assert.equal(board.allocate(), 1);
  dead.abandon();
  board.close();
});

test('more workers than were ever expected find each other', () => {
  const board = create();
  const cells = Array.from({ length: 100 }, () => {
    const cell = board.allocate() ?? -1;
    return new ScoreboardCell({ path: board.path, cell });
  });
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
