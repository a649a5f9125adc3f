// Promise: an upgrade begins only where it can, waits as long as its successor may take, and takes no other message for one of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estateOf, prepareMs, upgradeObstacle, within } from '../../../src/app/takeover/rules.ts';
import { fromSuccessor, toSuccessor } from '../../../src/app/takeover/talk.ts';
import type { Config } from '../../../src/config/options.ts';
import type { Generations, Program } from '../../../src/host/code/generations.ts';
import type { Heritage } from '../../../src/supervisor/handover/heritage.ts';
import type { Snapshot } from '../../../src/supervisor/picture/snapshot.ts';

type Plan = Parameters<typeof upgradeObstacle>[0];

test('only an app that runs by itself, and does nothing else, can be upgraded', () => {
  const plan = {} as Plan;
  for (const [given, state, expected] of [
    [plan, 'running', null],
    [plan, 'starting', /still starting/],
    [plan, 'reloading', /a reload is under way/],
    [plan, 'stopping', /is ending/],
    [null, 'running', /the program that imports tutti/],
    [null, 'stopping', /the program that imports tutti/],
  ] as const) {
    const obstacle = upgradeObstacle(given, { state } as Snapshot);
    if (expected === null) assert.equal(obstacle, null);
    else assert.match(obstacle ?? '', expected, state);
  }
});

test('a successor has the time in which all workers start, two at a time, and a margin', () => {
  const config = { startTimeoutMs: 10_000, canaryTimeMs: 5_000 } as Config;
  for (const [workers, expected] of [
    [0, 35_000],
    [1, 45_000],
    [2, 45_000],
    [3, 55_000],
    [16, 115_000],
  ] as const) {
    assert.equal(prepareMs(config, workers), expected, `${workers}`);
  }
});

test('a fixed number of workers was changed by hand and goes on; a range bounds what goes on', () => {
  for (const [min, max, wanted, expected] of [
    [2, 2, undefined, 2],
    [2, 2, 5, 5],
    [2, 2, 1, 1],
    [2, 8, undefined, 2],
    [2, 8, 5, 5],
    [2, 8, 1, 2],
    [2, 8, 9, 8],
  ] as const) {
    assert.equal(within({ min, max }, wanted), expected, `${min}..${max} ${wanted}`);
  }
});

test('what the old workers run goes along, with the node that runs it', () => {
  const heritage = { current: { number: 4 } } as Heritage;
  const generations = (program: Partial<Program> | undefined) => {
    const known = new Map([[4, program]]);
    return { get: (number: number) => known.get(number) } as unknown as Generations;
  };
  assert.deepEqual(estateOf(heritage, generations(undefined)), { previous: null }, 'it is forgotten');
  for (const [node, expected] of [
    [null, process.execPath],
    ['/opt/node', '/opt/node'],
  ] as const) {
    const { previous } = estateOf(heritage, generations({ node } as Partial<Program>));
    assert.equal(previous?.program.node, expected);
    assert.equal(previous?.forebear, heritage.current);
  }
});

const strange = [
  null,
  undefined,
  1,
  'ready',
  [],
  {},
  { tutti: 'other' },
  { tutti: 5 },
  { cmd: 'NODE_X' },
  { tutti: null },
];

test('what the application, or node, says on the same channel is not theirs', () => {
  for (const message of strange) {
    assert.equal(fromSuccessor(message), null, JSON.stringify(message));
    assert.equal(toSuccessor(message), null, JSON.stringify(message));
  }
  assert.equal(toSuccessor({ tutti: 'ready' }), null, 'nor what goes the other way');
  assert.equal(fromSuccessor({ tutti: 'offered' }), null);
});

test('what a successor says is taken for what it is, and nothing more', () => {
  for (const tutti of ['ready', 'taken'] as const) {
    assert.deepEqual(fromSuccessor({ tutti, more: 'x' }), { tutti });
  }
  for (const [reason, text] of [
    ['no port', 'no port'],
    [undefined, 'undefined'],
    [5, '5'],
  ] as const) {
    assert.deepEqual(fromSuccessor({ tutti: 'failed', reason }), { tutti: 'failed', reason: text });
  }
  const offered = { tutti: 'offered', estate: {} };
  assert.equal(toSuccessor(offered), offered);
});
