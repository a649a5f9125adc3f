import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Allowance,
  autoWorkers,
  explainSizing,
  heapMib,
  memoryFor,
  mostWorkers,
  type Sized,
  setsHeap,
  shortOfMemory,
} from '../../../src/config/sizing.ts';

const MIB = 2 ** 20;
const none: Allowance = { cpus: 4, allCpus: 4, quota: null, memoryBytes: null };
const sized = (limits: Partial<Allowance>, more: Partial<Sized> = {}): Sized => ({
  ...{ limits: { ...none, ...limits }, workers: 2, isAuto: true, isPlatforms: false, surge: 1, ownHeap: false },
  ...more,
});

test('the heaps, what is beside them, the primary and the surge of a reload fit into the limit', () => {
  for (const mib of [256, 300, 512, 1000, 4096, 100_000]) {
    for (const surge of [1, 2]) {
      for (let workers = 1; workers <= 20; workers += 1) {
        const heap = heapMib(mib * MIB, workers, surge);
        assert.equal(heap !== null, workers <= mostWorkers(mib * MIB, surge), `${mib} MiB, ${workers}, ${surge}`);
        if (heap === null) continue;
        assert.ok(memoryFor(workers, heap, surge) <= mib * MIB);
        assert.ok(memoryFor(workers, heap + 1, surge) > mib * MIB);
      }
    }
  }
  assert.equal(heapMib(512 * MIB, 2, 1), 152);
  assert.equal(heapMib(null, 2, 1), null);
});

test('auto is bounded by the CPUs and by what the memory bears, and is never none', () => {
  assert.equal(autoWorkers({ cpus: 4, memoryBytes: null }, 1), 4);
  assert.equal(autoWorkers({ cpus: 4, memoryBytes: 8192 * MIB }, 1), 4);
  assert.equal(autoWorkers({ cpus: 4, memoryBytes: 512 * MIB }, 1), 3);
  assert.equal(autoWorkers({ cpus: 4, memoryBytes: 256 * MIB }, 1), 1);
  assert.equal(autoWorkers({ cpus: 4, memoryBytes: 64 * MIB }, 1), 1);
});

test('one line says what the limits have come to', () => {
  const quota = { cpus: 1.5, from: 'cpu.max' };
  const memoryBytes = 512 * MIB;
  const cases: [Sized, string | null][] = [
    [sized({ cpus: 2, quota, memoryBytes }), 'cpu.max 1.5 → 2 workers; 512 MiB → 152 MiB heap each'],
    [sized({ cpus: 2, quota }), 'cpu.max 1.5 → 2 workers'],
    [sized({ memoryBytes }, { isAuto: false }), '512 MiB → 152 MiB heap each'],
    [sized({ memoryBytes }, { isAuto: false, ownHeap: true }), null],
    [
      sized({ memoryBytes: 256 * MIB, quota: { cpus: 2, from: 'cpu.cfs_quota_us' } }, { workers: 1 }),
      'cpu.cfs_quota_us 2 and 256 MiB of memory → 1 worker; 256 MiB → 96 MiB heap',
    ],
    [
      sized({ memoryBytes: 256 * MIB }, { workers: 1 }),
      '4 CPUs and 256 MiB of memory → 1 worker; 256 MiB → 96 MiB heap',
    ],
    [sized({}), null],
    [sized({ cpus: 2, quota }, { isAuto: false, isPlatforms: true, workers: 3 }), 'WEB_CONCURRENCY → 3 workers'],
  ];
  for (const [given, line] of cases) assert.equal(explainSizing(given), line);
});

test('too little memory is said, with what would be enough', () => {
  const short = sized({ memoryBytes: 256 * MIB }, { isAuto: false, workers: 4 });
  assert.match(shortOfMemory(short) ?? '', /256 MiB is little for 4 workers: .*Give it 560 MiB, or set workers to 1$/);
  const tiny = sized({ memoryBytes: 128 * MIB }, { workers: 1 });
  assert.match(shortOfMemory(tiny) ?? '', /128 MiB is little for 1 worker: .*Give it 224 MiB$/);
  assert.equal(shortOfMemory({ ...short, ownHeap: true }), null);
  assert.equal(shortOfMemory(sized({ memoryBytes: 512 * MIB })), null);
  assert.equal(shortOfMemory(sized({})), null);
});

test("the operator's own size of the heap is known in every spelling", () => {
  for (const arg of [
    '--max-old-space-size=100',
    '--max_old_space_size=100',
    '--max-old-space-size-percentage=50',
    '--max-heap-size=300',
    '--max-old-space-size',
  ]) {
    assert.equal(setsHeap([arg], undefined), true, arg);
    assert.equal(setsHeap([], `--no-warnings ${arg}`), true, arg);
    assert.equal(setsHeap([], `"${arg}"`), true, arg);
  }
  assert.equal(setsHeap(['--max-semi-space-size=8'], '--enable-source-maps'), false);
});
