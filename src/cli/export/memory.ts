// How much memory a container needs, by the rule by which tutti divides a limit among the heaps (config/sizing.ts). Pure.

import type { Config } from '../../config/options.ts';
import { heapMib, memoryFor, setsHeap } from '../../config/sizing.ts';
import type { Memory } from '../../deploy/container/container.ts';

const MIB = 2 ** 20;
/** Enough for a server of middle size. */
const USUAL_HEAP_MIB = 192;
/** Limits that are easily said. */
const STEP_MIB = 64;
/** A worker is recycled when it is this much above `maxMemory`, at the latest. */
const SLACK = 1.1;

/** `asked`: what the operator said, in bytes. */
export function memoryOf({ workers: { max }, surge, maxMemoryBytes, nodeArgs }: Config, asked: number | null): Memory {
  const ownHeap = setsHeap(nodeArgs, undefined);
  const bytes = asked ?? rounded(neededFor());
  const heap = ownHeap ? null : heapMib(bytes, max, surge);
  return { bytes, heapMib: heap, ownHeap };

  function neededFor(): number {
    if (maxMemoryBytes !== null) return memoryFor(max, 0, surge) + max * SLACK * maxMemoryBytes;
    return memoryFor(max, (ownHeap ? ownHeapMib(nodeArgs) : null) ?? USUAL_HEAP_MIB, surge);
  }
}

function ownHeapMib(nodeArgs: readonly string[]): number | null {
  const found = nodeArgs.map((argument) => /^--max[-_](?:old[-_]space|heap)[-_]size=(\d+)$/.exec(argument)?.[1]);
  const last = found.findLast((one) => one !== undefined);
  return last === undefined ? null : Number(last);
}

function rounded(bytes: number): number {
  return Math.ceil(bytes / MIB / STEP_MIB) * STEP_MIB * MIB;
}
