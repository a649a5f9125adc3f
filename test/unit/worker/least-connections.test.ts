import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Scoreboard } from '../../../src/host/connections/scoreboard.ts';
import { TALLY_NUMBERS } from '../../../src/protocol/scoreboard-layout.ts';
import { LeastConnections } from '../../../src/worker/balance/least-connections.ts';
import { ScoreboardSeat } from '../../../src/worker/report/scoreboard-seat.ts';

let scoreboard: Scoreboard;
let balancer: LeastConnections;
let cells: ScoreboardSeat[];
let held: number;
let now: number;

/** One worker that accepts, and seven that rest and hold nothing. */
beforeEach(() => {
  scoreboard = Scoreboard.create() as Scoreboard;
  cells = Array.from({ length: 8 }, () => {
    const at = { path: scoreboard.path, cell: scoreboard.allocate() ?? 0 };
    return ScoreboardSeat.open(at, new Float64Array(TALLY_NUMBERS)) as ScoreboardSeat;
  });
  for (const [slot, cell] of cells.entries()) cell.write(slot, 0);
  held = 0;
  now = performance.now();
  balancer = new LeastConnections(
    cells[0] as ScoreboardSeat,
    () => held,
    () => 0,
  );
  balancer.setSlot(0);
});

afterEach(() => scoreboard.close());

/** Answers how many of `count` connections that arrive within `ms` were given away. */
function accept(count: number, ms: number): number {
  let given = 0;
  for (let i = 0; i < count; i++) {
    now += ms / count;
    if (balancer.place({ close: () => {} }, now, false) !== null) given += 1;
    else held += 1;
  }
  return given;
}

function close(count: number): void {
  for (; count > 0 && held > 0; count--) {
    held -= 1;
    balancer.closed();
  }
}

test('connections that last are given away, but for a fair share', () => {
  assert.equal(accept(80, 80), 79);
});

test('after a pause of the whole machine, in which nothing was answered, short connections are served where they arrive again', () => {
  accept(200, 200);
  let given = 0;
  for (let i = 0; i < 500; i++) {
    given += accept(2, 2);
    close(2);
  }
  assert.ok(given < 50, `${given} of 1000 were given away`);
  assert.equal(accept(1, 1), 0);
});

test('among many short connections, those that last do not pile up on the workers that accept', () => {
  for (let i = 0; i < 1000; i++) {
    // Three siblings accept as this one does; the other four rest.
    for (const slot of [1, 2, 3]) cells[slot]?.write(slot, held);
    accept(5, 5);
    close(Math.min(4, held));
    if (i % 100 === 99) balancer.surplus();
  }
  assert.ok(held < 30, `${held} last here, and none with those who rest`);
});

test('what a server has no room for leaves, wherever it may go', () => {
  const client = { close: () => {} };
  assert.equal(balancer.place(client, now, false), null);
  assert.deepEqual(balancer.place(client, now, true), { to: null, held: null });
  for (const [slot, cell] of cells.entries()) if (slot > 0) cell.write(null, 0);
  assert.equal(balancer.place(client, now + 100, true), null, 'nobody else accepts');
});
