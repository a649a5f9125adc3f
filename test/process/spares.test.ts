// Promise: a crash does not cost the time that the server takes to start.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRig } from '../support/rig.ts';

test('a spare serves nobody until a worker is lost, and then takes its slot at once', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { spares: 1 } });
  const spare = Number((await rig.waitFor('worker-spare')).pid);
  const workers = rig.ready();
  const answers = await Promise.all(Array.from({ length: 40 }, () => rig.fetch('/')));
  assert.ok(answers.every(({ pid }) => workers.includes(pid)));

  const [lost] = workers;
  assert.ok(lost !== undefined);
  const from = rig.events.length;
  process.kill(lost, 'SIGKILL');
  const next = await rig.waitFor('worker-ready', { from });
  assert.equal(next.pid, spare, 'the spare, not a worker that had to boot');
  const another = await rig.waitFor('worker-spare', { from });
  assert.notEqual(another.pid, spare);
  assert.equal((await rig.fetch('/')).status, 200);
});
