// Promise: no request is lost by a reload.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetch } from '../support/fetch.ts';
import { times } from '../support/form.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { startRig } from '../support/rig.ts';

test('20 reloads under load lose no request', async () => {
  const reloads = times({ short: 5, default: 20, long: 20 });
  const requests = times({ short: 10_000, default: 100_000, long: 100_000 });
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'drain-timeout': '10s' } });
  await using load = await startLoad({ port: rig.port });
  const before = rig.ready();
  for (let i = 1; i <= reloads; i += 1) {
    await load.reached((requests / reloads) * (i - 1));
    const result = await rig.reload();
    assert.equal(result.type, 'reload-done', JSON.stringify(result));
  }
  await load.reached(requests, 180_000);
  const result = await load.stop();
  assertNothingLost(result, requests);
  assert.equal(rig.ready().length, 2);
  assert.ok(
    rig.ready().every((pid) => !before.includes(pid)),
    'every worker was replaced',
  );
  assert.ok(Object.keys(result.byPid).length > reloads, 'workers of every generation answered');
});

test('round-robin loses no request in reloads either', async () => {
  const requests = times({ short: 5_000, default: 20_000, long: 50_000 });
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { balance: 'round-robin', 'drain-timeout': '10s' } });
  await using load = await startLoad({ port: rig.port });
  for (let i = 1; i <= 5; i += 1) {
    await load.reached((requests / 5) * (i - 1));
    assert.equal((await rig.reload()).type, 'reload-done');
  }
  await load.reached(requests);
  assertNothingLost(await load.stop(), requests);
});

test('requests of 5 s that are in flight when a reload begins are answered by their worker', async () => {
  const holdMs = times({ short: 1_500, default: 5_000, long: 5_000 });
  await using rig = await startRig({
    fixture: 'slow-response.cjs',
    env: { HOLD_MS: String(holdMs) },
    flags: { 'drain-timeout': '20s' },
  });
  const old = rig.ready();
  const slow = Array.from({ length: 40 }, () => rig.fetch('/'));
  // An answer to a quick request proves that the slow ones before it on other connections had time to arrive.
  await rig.fetch('/?ms=200');
  const reload = rig.reload();
  const answers = await Promise.all(slow);
  assert.equal((await reload).type, 'reload-done');
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.equal(answer.body, `slow hello from ${answer.pid}\n`);
    assert.ok(old.includes(answer.pid), 'answered by the worker that had taken it');
  }
  for (const pid of old) await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === pid);
});

test('64 slow downloads come through a reload with every byte right', async () => {
  const env = { CHUNKS: '24', CHUNK_MS: '100' };
  await using rig = await startRig({ fixture: 'slow-download.cjs', env, flags: { 'drain-timeout': '30s' } });
  const whole = Buffer.from(Uint8Array.from({ length: 24 * 16384 }, (_, i) => i % 251));
  const heads: Promise<unknown>[] = [];
  const downloads = Array.from({ length: 64 }, () => {
    let begun = () => {};
    heads.push(
      new Promise<void>((resolve) => {
        begun = resolve;
      }),
    );
    return fetch({ port: rig.port, encoding: 'latin1', onHead: begun });
  });
  await Promise.all(heads);
  assert.equal((await rig.reload()).type, 'reload-done');
  for (const answer of await Promise.all(downloads)) {
    assert.ok(Buffer.from(answer.body, 'latin1').equals(whole), 'a download was cut or changed');
  }
});

test('a reload asked for while one is under way: the latest wins, and nothing is lost', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'drain-timeout': '10s' } });
  await using load = await startLoad({ port: rig.port, keepAlive: 20, fresh: 4 });
  for (let i = 0; i < 4; i += 1) {
    const from = rig.events.length;
    rig.signal('SIGHUP');
    await rig.waitFor('reload-started', { from });
  }
  const last = Math.max(...rig.events.all('reload-started').map((event) => Number(event.generation)));
  const done = await rig.waitFor((event) => event.type === 'reload-done' && event.generation === last);
  assert.equal(done.generation, last);
  await rig.untilReady(2);
  await load.more(500);
  assertNothingLost(await load.stop(), 500);
  const online = rig.events.all('worker-online').filter(({ pid }) => rig.ready().includes(Number(pid)));
  assert.ok(
    online.every(({ generation }) => generation === last),
    'every worker is of the last generation',
  );
});
