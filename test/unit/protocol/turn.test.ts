// The turn: who may start another supervisor beside orphans that serve.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { processStatus } from '../../../src/protocol/orphans/process-identity.ts';
import { endTurn, isTaken, passTurn, readTurn, takeTurn, turnPath } from '../../../src/protocol/orphans/succession.ts';

const folder = mkdtempSync(join(tmpdir(), 'turn-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const parent = processStatus(process.ppid);
assert.ok(parent !== null);
let places = 0;

function newPlace(): string {
  places += 1;
  return join(folder, `web${places}`);
}

/** As if somebody had it. */
function held(place: string, born: string, tries = 1): void {
  writeFileSync(turnPath(place), JSON.stringify({ holder: { pid: process.ppid, born }, tries, at: 5 }));
}

test('one takes it, and gives it back', () => {
  const place = newPlace();
  assert.equal(readTurn(place), null);
  assert.equal(takeTurn(place, 2, 7), true);
  assert.deepEqual(readTurn(place), {
    holder: { pid: process.pid, born: processStatus(process.pid)?.born },
    tries: 2,
    at: 7,
  });
  assert.equal(isTaken(readTurn(place)), true);
  assert.equal(takeTurn(place, 3, 8), false, 'also not by the same process');
  endTurn(place);
  assert.equal(readTurn(place), null);
});

test('who lives keeps it, and only the holder gives it back', () => {
  const place = newPlace();
  held(place, parent.born);
  assert.equal(takeTurn(place, 0, 9), false);
  endTurn(place);
  assert.equal(readTurn(place)?.holder.pid, process.ppid);
});

test('a dead holder, of whose number another process lives, loses it', () => {
  const place = newPlace();
  held(place, '1', 2);
  assert.equal(isTaken(readTurn(place)), false);
  assert.equal(readTurn(place)?.tries, 2);
  assert.equal(takeTurn(place, 3, 9), true);
  assert.equal(readTurn(place)?.tries, 3);
});

test('a file that says nothing is nobody’s', () => {
  for (const text of ['', 'null', '{}', '{"holder":{"pid":1}', '{"holder":{"pid":-1,"born":"1"},"tries":0}']) {
    const place = newPlace();
    writeFileSync(turnPath(place), text);
    assert.equal(readTurn(place), null, text);
    assert.equal(takeTurn(place, 0, 1), true, text);
  }
});

test('it goes to the process that was started, and leaves nothing else behind', () => {
  const place = newPlace();
  assert.equal(takeTurn(place, 1, 3), true);
  passTurn(place, process.ppid, { tries: 1, at: 3 });
  assert.deepEqual(readTurn(place), { holder: { pid: parent.pid, born: parent.born }, tries: 1, at: 3 });
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.endsWith('.turn')),
    [],
  );
});
