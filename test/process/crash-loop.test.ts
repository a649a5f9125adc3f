// Promise: a crash loop costs nothing, at any age of the app.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { times } from '../support/form.ts';
import { cpuMs } from '../support/processes.ts';
import { startRig } from '../support/rig.ts';

test('healthy, then crash-looping at boot: few starts, little CPU, few lines, and back soon after the cure', async () => {
  const healthyMs = times({ short: 11_000, default: 12_000, long: 20_000 });
  const observedMs = times({ short: 15_000, default: 15_000, long: 60_000 });
  await using rig = await startRig({ fixture: 'cursed.cjs', env: { CURSE: 'curse' }, flags: { 'give-up': 'never' } });
  await delay(healthyMs);
  writeFileSync(`${rig.dir}/curse`, '');
  const from = rig.events.length;
  const lines = rig.events.length + rig.events.text().length;
  const cpu = cpuMs(rig.pid);
  for (const pid of rig.workers()) process.kill(pid, 'SIGKILL');
  await delay(observedMs);

  const starts = rig.events
    .all()
    .slice(from)
    .filter(({ type }) => type === 'worker-online').length;
  // At most 20 in 60 s; in a shorter window the first ones, which come quickly, weigh more.
  assert.ok(starts >= 3 && starts <= 20, `${starts} starts in ${observedMs} ms`);
  const load = (cpuMs(rig.pid) - cpu) / observedMs;
  assert.ok(load < 0.02, `the primary used ${(load * 100).toFixed(2)} % of a core`);
  const written = rig.events.length + rig.events.text().length - lines;
  // Node's own message for each crash is about a dozen lines, and ours are a few.
  assert.ok(written <= starts * 30 + 30, `${written} lines for ${starts} starts`);
  assert.equal(rig.ready().length, 0);

  rmSync(`${rig.dir}/curse`);
  const cured = rig.events.length;
  await rig.waitFor('worker-ready', { from: cured, deadlineMs: 10_000 });
  assert.equal((await rig.fetch()).status, 200);
  await rig.untilReady(2);
});
