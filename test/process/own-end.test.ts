// Programs that end themselves: left to finish, judged by how they ended, started again by the rules that hold for any end.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type Rig, startRig } from '../support/rig.ts';

const fixture = 'ends-itself.cjs';
const starts = (rig: Rig) => rig.events.all('worker-online').length;

describe('a program that shuts itself down', () => {
  for (const [way, code, reason, detail] of [
    ['error', 1, 'crashed', /^ended with code 1: Error: boom/],
    ['close', 0, 'finished', /^ended with code 0$/],
    ['close and fail', 1, 'crashed', /^ended with code 1$/],
    ['handled SIGTERM', 1, 'crashed', /^ended with code 1$/],
  ] as const) {
    it(`is left to finish after ${way}, and its end is told`, async () => {
      await using rig = await startRig({ fixture, env: { FLUSHED: 'flushed' } });
      const { body } = await rig.fetch(`/${encodeURI(way)}`);
      const pid = Number(body);
      const exit = await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === pid);
      assert.deepEqual([exit.code, exit.reason], [code, reason]);
      assert.match(String(exit.detail), detail);
      assert.equal(readFileSync(join(rig.dir, 'flushed'), 'utf8'), `${pid}\n`);
      if (code !== 0) await rig.waitFor((event) => event.type === 'incident' && event.pid === pid);
      await rig.untilReady(2);
      assert.equal(starts(rig), 3);
    });
  }

  for (const [way, detail] of [
    ['SIGTERM', 'ended by SIGTERM: the program sent it to itself'],
    ['SIGKILL', 'ended by SIGKILL: the program sent it to itself'],
  ] as const) {
    it(`is told from one that somebody else ended by ${way}`, async () => {
      await using rig = await startRig({ fixture });
      const pid = Number((await rig.fetch(`/${way}`)).body);
      const exit = await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === pid);
      assert.deepEqual([exit.signal, exit.reason, exit.detail], [way, 'crashed', detail]);
      await rig.untilReady(2);
    });
  }
});

describe('restart: never', () => {
  for (const [way, code] of [
    ['error', 1],
    ['close', 0],
    ['close and empty', 0],
    ['handled SIGTERM', 1],
    ['SIGTERM', 1],
    ['worker.disconnect', 0],
    ['worker.kill', 0],
  ] as const) {
    it(`is kept when the program ends by ${way}`, async () => {
      const flags = { workers: 1, restart: 'never' };
      await using rig = await startRig({ fixture, flags, env: { WAY: way }, ready: 0 });
      assert.equal((await rig.end(null)).code, code);
      assert.equal(starts(rig), 1);
    });
  }
});

describe('a loop of ends', () => {
  for (const way of ['error', 'close and empty', 'handled SIGTERM', 'SIGTERM', 'worker.disconnect', 'worker.kill']) {
    it(`by ${way} backs off`, async () => {
      await using rig = await startRig({ fixture, flags: { workers: 1 }, env: { WAY: way }, ready: 0 });
      await eventually('three restarts', () => rig.events.all('worker-restart').length >= 3);
      const restarts = rig.events.all('worker-restart').slice(0, 3);
      assert.deepEqual(
        restarts.map(({ earlyDeaths }) => earlyDeaths),
        [1, 2, 3],
      );
      assert.ok(restarts.every(({ delayMs }) => (delayMs as number) >= 250));
    });
  }
});

test('a server that closes and listens again is not replaced', async () => {
  await using rig = await startRig({ fixture, flags: { workers: 1 } });
  const before = (await rig.fetch('/listen%20again')).body;
  const from = rig.events.length;
  // Clients that come meanwhile wait in the queue of the port.
  assert.equal((await rig.fetch('/')).body, before);
  assert.equal(starts(rig), 1);
  assert.deepEqual(
    rig.events
      .lines()
      .slice(from)
      .filter((line) => /draining/.test(line)),
    [],
  );
});
