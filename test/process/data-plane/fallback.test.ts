// In a Node that differs from what tutti knows, node:cluster shares the sockets: said once, and correct.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { fetch } from '../../support/fetch.ts';
import { assertNothingLost, startLoad } from '../../support/load.ts';
import { root, startRig } from '../../support/rig.ts';

const otherNode = `--require=${join(root, 'test/fixtures/data-plane/other-node.cjs')}`;

test('when the self-test fails, workers serve all the same, and reloads lose nothing', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'node-arg': [otherNode] } });
  const seen = new Set<number>();
  await eventually('both answer', async () => {
    seen.add((await fetch({ port: rig.port })).pid);
    return seen.size === 2;
  });
  await using load = await startLoad({ port: rig.port });
  await load.reached(300);
  const reload = await rig.reload();
  assert.equal(reload.type, 'reload-done', String(reload.message));
  await load.reached(1000);
  assertNothingLost(await load.stop(), 1000);
  const notices = rig.events.lines().filter((line) => line.includes('node:cluster'));
  assert.equal(notices.length, 1, JSON.stringify(notices));
});

test('there a worker lives for the answer to its listen(), however long that takes', async () => {
  const slow = `--require=${join(root, 'test/fixtures/data-plane/slow-ask.cjs')}`;
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'node-arg': [otherNode, slow] } });
  assert.deepEqual(rig.events.all('worker-exit'), []);
});
