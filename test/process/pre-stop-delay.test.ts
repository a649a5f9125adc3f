// preStopDelay: a stop is known to balancers before it is felt by clients.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { freePort } from '../support/free-port.ts';
import { startRig } from '../support/rig.ts';

test('at SIGTERM readiness fails first, clients are served on, then the app drains and ends with 0', async () => {
  const admin = await freePort();
  const delayMs = 2000;
  await using rig = await startRig({
    fixture: 'hello.cjs',
    flags: { admin: String(admin), 'pre-stop-delay': `${delayMs}ms`, 'drain-timeout': '5s' },
  });
  const readyz = async () => (await fetch({ port: admin, path: '/readyz' })).status;
  const livez = async () => (await fetch({ port: admin, path: '/livez' })).status;
  await eventually('the app to be ready', async () => (await readyz()) === 200);
  rig.signal('SIGTERM');
  const from = performance.now();
  await eventually('readiness to fail', async () => (await readyz()) === 503);
  let served = 0;
  while (performance.now() - from < delayMs / 2) {
    assert.equal((await rig.fetch()).status, 200);
    served += 1;
  }
  assert.ok(served > 10, `${served} new connections were served`);
  assert.equal(await livez(), 200);
  assert.deepEqual(await rig.exited, { code: 0, signal: null });
  assert.ok(performance.now() - from >= delayMs);
});

test('a second signal ends the wait', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'pre-stop-delay': '10m' } });
  rig.signal('SIGTERM');
  await rig.waitFor((event) => event.type === 'state' && event.state === 'stopping');
  assert.equal((await rig.fetch()).status, 200);
  rig.signal('SIGINT');
  assert.deepEqual(await rig.exited, { code: 0, signal: null });
});
