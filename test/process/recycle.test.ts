// Workers that reach a limit are replaced one at a time, new before old, and no client notices.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { times } from '../support/form.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';
import { startRig } from '../support/rig.ts';

test('a leak with --max-memory: recycled again and again, no request lost', async () => {
  const recycles = times({ short: 2, default: 3, long: 8 });
  const leak = times({ short: 15, default: 15, long: 5 });
  const flags = { workers: 2, 'max-memory': '100M', 'drain-timeout': '5s' };
  await using rig = await startRig({ fixture: 'leaks.cjs', env: { LEAK_MB: String(leak) }, flags });
  await using load = await startLoad({ port: rig.port, keepAlive: 16, fresh: 4 });
  const deadlineMs = 240_000;
  for (let i = 0; i < recycles; i += 1) {
    await rig.waitFor(() => rig.events.all('recycled').length > i, { deadlineMs });
    assert.ok(rig.ready().length >= 2, 'the replacement is ready first');
  }
  await load.more(200);
  assertNothingLost(await load.stop(), 1_000);
  for (const { reason } of rig.events.all('recycled')) {
    assert.match(String(reason), /^it uses \d+ MB of memory, more than \d+ MB$/);
  }
  assert.equal(rig.events.all('worker-exit').filter(({ reason }) => reason !== 'planned').length, 0);
});

test('--max-requests and --max-lifetime: replaced, each within 10 % of its limit, no request lost', async () => {
  const flags = { workers: 2, 'max-requests': 1_000, 'max-lifetime': '8s', 'drain-timeout': '5s' };
  await using rig = await startRig({ fixture: 'hello.cjs', flags });
  await using load = await startLoad({ port: rig.port, keepAlive: 8, fresh: 2 });
  const answered = await rig.waitFor(({ type, reason }) => type === 'recycled' && /requests/.test(String(reason)));
  const [, count = 0, limit = 0] = /answered (\d+) requests, at least (\d+)/.exec(String(answered.reason)) ?? [];
  assert.ok(Number(limit) >= 900 && Number(limit) <= 1_100 && Number(count) >= Number(limit), String(answered.reason));
  assertNothingLost(await load.stop(), 1_000);
  const from = rig.events.length;
  const old = await rig.waitFor(({ type, reason }) => type === 'recycled' && /older/.test(String(reason)), { from });
  const lived = Number(/older than (\d+) ms/.exec(String(old.reason))?.[1]);
  assert.ok(lived >= 7_200 && lived <= 8_800, `lived for ${lived} ms`);
});
