// Promise: the primary is the same after hundreds of reloads: no descriptor, handle, listener, timer or zombie more, and its
// memory is flat.

import assert from 'node:assert/strict';
import { test } from 'node:test';
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
    const quiet = text === last && now.below === 2;
    last = text;
    return quiet ? now : null;
  });
}

async function heapBytes(rig: Rig): Promise<number> {
  return (await rig.call<{ heapUsedBytes: number }>('inspect')).heapUsedBytes;
}

/** V8 takes and returns pages in lumps of megabytes: what is really needed is the least of several looks. */
async function leastMemory(rig: Rig, reload: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 6; i += 1) {
    await reload();
    await heapBytes(rig);
    least = Math.min(least, privateBytes(rig.pid));
  }
  return least;
}

test('reload after reload leaves nothing in the primary', async () => {
  const reloads = times({ short: 30, default: 100, long: 500 });
  await using rig = await startRig({ fixture: 'hello.cjs', library: true });
  const reload = async () => {
    const { outcome } = await rig.call<{ outcome: string }>('reload');
    assert.equal(outcome, 'done');
  };
  // The first ones fill caches and let the heap find its size.
  for (let i = 0; i < 10; i += 1) await reload();
  await rig.untilReady(2);
  const before = await picture(rig);
  const heapBefore = await heapBytes(rig);
  const memoryBefore = await leastMemory(rig, reload);
  for (let i = 0; i < reloads; i += 1) await reload();
  await rig.untilReady(2);
  assert.deepEqual(await picture(rig), before);
  const heapGrowth = (await heapBytes(rig)) - heapBefore;
  const memoryGrowth = (await leastMemory(rig, reload)) - memoryBefore;
  const mb = 1024 * 1024;
  assert.ok(heapGrowth < 2 * mb, `the heap grew by ${(heapGrowth / mb).toFixed(1)} MB`);
  assert.ok(memoryGrowth < 5 * mb, `the memory grew by ${(memoryGrowth / mb).toFixed(1)} MB`);
});
