// Promise: the primary is the same after hundreds of reloads: no descriptor, handle, listener, timer or zombie more, and its
// memory is flat.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { times } from '../support/form.ts';
import { fileDescriptors, privateBytes, processesBelow } from '../support/processes.ts';
import { type Rig, startRig } from '../support/rig.ts';

interface Picture {
  descriptors: number;
  resources: Record<string, number>;
  listeners: Record<string, number>;
  below: number;
}

async function picture(rig: Rig): Promise<Picture> {
  // What has ended is still being tidied up for a moment: the picture is taken when two in a row are alike.
  let last = '';
  return eventually('a quiet moment', async () => {
    const { resources, listeners } = await rig.call<Pick<Picture, 'resources' | 'listeners'>>('inspect');
    const now = { descriptors: fileDescriptors(rig.pid), resources, listeners, below: processesBelow(rig.pid).length };
    const text = JSON.stringify(now);
    // Two workers, and the guardian.
    const quiet = text === last && now.below === 3;
    last = text;
    return quiet ? now : null;
  });
}

/** The least of several looks, each after a garbage collection: pages go back to the system some time after their objects. */
async function memory(rig: Rig): Promise<{ heapBytes: number; ownBytes: number }> {
  const least = { heapBytes: Number.POSITIVE_INFINITY, ownBytes: Number.POSITIVE_INFINITY };
  for (let look = 0; look < 12; look += 1) {
    const { heapUsedBytes } = await rig.call<{ heapUsedBytes: number }>('inspect');
    least.heapBytes = Math.min(least.heapBytes, heapUsedBytes);
    least.ownBytes = Math.min(least.ownBytes, privateBytes(rig.pid));
    await delay(100);
  }
  return least;
}

test('reload after reload leaves nothing in the primary', async () => {
  const warmUps = 75;
  const reloads = times({ short: 75, default: 100, long: 500 });
  await using rig = await startRig({ fixture: 'hello.cjs', library: true });
  const reload = async () => {
    const { outcome } = await rig.call<{ outcome: string }>('reload');
    assert.equal(outcome, 'done');
  };
  // The first ones fill caches and histories and have V8 compile what runs often: Node 24 takes 4 MB for that until about the
  // 75th reload, and stays there for the next 400.
  for (let i = 0; i < warmUps; i += 1) await reload();
  await rig.untilReady(2);
  const before = await picture(rig);
  const memoryBefore = await memory(rig);
  for (let i = 0; i < reloads; i += 1) await reload();
  await rig.untilReady(2);
  assert.deepEqual(await picture(rig), before);
  const memoryAfter = await memory(rig);
  const heapGrowth = memoryAfter.heapBytes - memoryBefore.heapBytes;
  const memoryGrowth = memoryAfter.ownBytes - memoryBefore.ownBytes;
  const mb = 1024 * 1024;
  assert.ok(heapGrowth < mb, `the heap grew by ${(heapGrowth / mb).toFixed(1)} MB`);
  assert.ok(memoryGrowth < 5 * mb, `the memory grew by ${(memoryGrowth / mb).toFixed(1)} MB`);
});
