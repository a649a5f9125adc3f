// Promise: a request that kills whoever serves it does not take the service down.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { times } from '../support/form.ts';
import { startLoad, summary } from '../support/load.ts';
import { startRig } from '../support/rig.ts';

test('one poison request a second against two proven workers: 90 % of the others succeed', async () => {
  const seconds = times({ short: 12, default: 20, long: 60 });
  await using rig = await startRig({ fixture: 'poison.cjs' });
  // Proven means: ready for 10 s.
  await delay(10_500);
  // Paced, so that each failure weighs what it weighs for users: 10 clients, about 200 requests a second.
  await using load = await startLoad({
    port: rig.port,
    path: '/',
    keepAlive: 0,
    fresh: 10,
    freshThinkMs: 100,
    timeoutMs: 5_000,
    gets: true,
  });
  for (let i = 0; i < seconds; i += 1) {
    await rig.fetch('/poison').catch(() => {});
    await delay(1_000);
  }
  const result = await load.stop();
  const share = result.ok / (result.ok + result.failures.length);
  assert.ok(
    share >= 0.9,
    `${(share * 100).toFixed(1)} % of ${result.ok + result.failures.length}: ${JSON.stringify(summary(result))}`,
  );
  assert.ok(result.ok >= seconds * 50, `only ${result.ok} answers in ${seconds} s`);
  const crashes = rig.events.all('worker-exit').filter(({ reason }) => reason === 'crashed');
  assert.ok(crashes.length >= seconds / 3, `the poison worked only ${crashes.length} times`);
});

test('a worker that has answered is replaced at once, also right after the start of the app', async () => {
  await using rig = await startRig({ fixture: 'poison.cjs', flags: { workers: 1 } });
  for (let deaths = 1; deaths <= 4; deaths += 1) {
    const from = rig.events.length;
    assert.equal((await rig.fetch('/')).status, 200);
    await rig.fetch('/poison').catch(() => {});
    const restart = await rig.waitFor('worker-restart', { from });
    assert.deepEqual([restart.delayMs, restart.earlyDeaths], [0, 0], JSON.stringify(restart));
    await rig.waitFor('worker-ready', { from });
  }
});
