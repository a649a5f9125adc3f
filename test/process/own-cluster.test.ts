// An application that forks workers of its own, or speaks to a primary of node:cluster, is told what of it does not happen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startRig } from '../support/rig.ts';

test('its worker branch serves; its primary branch and its messages are named, once each', async () => {
  await using rig = await startRig({ fixture: 'own-cluster.cjs', plain: true, ready: 0 });
  await eventually('it to be ready', () => /ready: http/.test(rig.stderr));
  for (let i = 0; i < 6; i++) assert.equal((await rig.fetch()).status, 200);
  await eventually('the lost lines to be told', () => /log4js sends its lines/.test(rig.stderr));
  assert.deepEqual(await rig.end('SIGTERM'), { code: 0, signal: null });
  assert.equal(rig.stderr.match(/own-cluster\.cjs forks workers of its own/g)?.length, 1);
  assert.equal(rig.stderr.match(/disableClustering: true/g)?.length, 1);
});

test('a program that listens, but never says that it is ready, is told which of the two to change', async () => {
  await using rig = await startRig({
    fixture: 'hello.cjs',
    ready: 0,
    plain: true,
    flags: { ready: 'message', 'start-timeout': '1s', 'stop-timeout': '500ms' },
  });
  assert.deepEqual(await rig.end(null), { code: 3, signal: null });
  assert.match(rig.stderr, /it listens, but did not call process\.send\('ready'\) within 1000 ms/);
  assert.match(rig.stderr, /Leave wait_ready out \(--ready listening\)/);
});

test('what node-config says of NODE_APP_INSTANCE is answered with the option that helps', async () => {
  await using rig = await startRig({ fixture: 'strict-config.cjs', ready: 0, plain: true });
  assert.deepEqual(await rig.end(null), { code: 3, signal: null });
  assert.match(rig.stderr, /--instance-var TUTTI_INSTANCE/);
});
