// How many workers a machine or a container bears, and how large their heaps may grow: from what it may use. Pure.
//
// Measured with the whole tree in a control group of its own (anonymous and kernel memory, 1 and 2 workers that answer 5,000 requests a second):
// the primary takes 15 to 20 MiB. A worker takes, beside its old space, 22 MiB on Node 20 and 31 MiB on Node 24, of which 16 MiB are one half of
// the new space; the other half is taken too where much survives. Pages of the binary are shared and can be reclaimed.

/** For the primary, its shell, and the pages that are better not reclaimed. */
const PRIMARY_MIB = 64;
/** What a worker takes beside its old space: the new space, code, stacks, buffers. */
const BESIDE_HEAP_MIB = 48;
/** With less no worker is added, and none is given a limit: it would rather end a program than help it. */
const LEAST_HEAP_MIB = 64;
const MIB = 2 ** 20;

/** What this process may use. */
export interface Allowance {
  /** Whole CPUs, by quota and affinity. */
  cpus: number;
  /** The CPUs that it may run on, whatever its quota. */
  allCpus: number;
  /** The quota as set, such as 1.5, and the file it is from; null without one. */
  quota: { cpus: number; from: string } | null;
  /** Null without a limit. */
  memoryBytes: number | null;
}

/** What `workers: auto` means: one for each CPU, and no more than the memory bears. */
export function autoWorkers({ cpus, memoryBytes }: Pick<Allowance, 'cpus' | 'memoryBytes'>, surge: number): number {
  return Math.max(1, Math.min(cpus, mostWorkers(memoryBytes, surge)));
}

/** How many workers can have the least heap, beside those that a reload starts before the old ones leave. Without a limit: Infinity. */
export function mostWorkers(memoryBytes: number | null, surge: number): number {
  if (memoryBytes === null) return Number.POSITIVE_INFINITY;
  const forWorkers = memoryBytes / MIB - PRIMARY_MIB - surge * BESIDE_HEAP_MIB;
  return Math.max(0, Math.floor(forWorkers / (BESIDE_HEAP_MIB + LEAST_HEAP_MIB)));
}

/** The heap of each of so many workers, in MiB, so that all of them and the surge of a reload fit; null: no limit, or too little of it. */
export function heapMib(memoryBytes: number | null, workers: number, surge: number): number | null {
  if (memoryBytes === null) return null;
  const forHeaps = memoryBytes / MIB - PRIMARY_MIB - (workers + surge) * BESIDE_HEAP_MIB;
  const each = Math.floor(forHeaps / workers);
  return each < LEAST_HEAP_MIB ? null : each;
}

/** The memory in which so many workers have such a heap: what `heapMib` is the other way round. In bytes. */
export function memoryFor(workers: number, heapMib: number, surge: number): number {
  return (PRIMARY_MIB + (workers + surge) * BESIDE_HEAP_MIB + workers * heapMib) * MIB;
}

const ofTheHeap = /^--(max[-_]old[-_]space[-_]size([-_]percentage)?|max[-_]heap[-_]size)(=|$)/;

/** Whether the operator has set the size of the heap, by an argument of node or in NODE_OPTIONS. */
export function setsHeap(nodeArgs: readonly string[], nodeOptions: string | undefined): boolean {
  return [...nodeArgs, ...(nodeOptions ?? '').split(/[\s"']+/)].some((arg) => ofTheHeap.test(arg));
}

export interface Sized {
  limits: Allowance;
  /** How many workers there are, or may be. */
  workers: number;
  /** The number follows the limits. */
  isAuto: boolean;
  /** A platform has set the number. */
  isPlatforms: boolean;
  surge: number;
  /** The operator has set the size of the heap. */
  ownHeap: boolean;
}

/** One line that says what the limits have come to, such as `cpu.max 1.5 → 2 workers; 512 MiB → 152 MiB heap each`; null: nothing has. */
export function explainSizing(sized: Sized): string | null {
  const parts = [explainWorkers(sized), explainHeap(sized)].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join('; ');
}

function explainWorkers({ limits, workers, isAuto, isPlatforms, surge }: Sized): string | null {
  const { cpus, quota, memoryBytes } = limits;
  if (!isAuto) return isPlatforms ? `WEB_CONCURRENCY → ${count(workers)}` : null;
  const most = mostWorkers(memoryBytes, surge);
  const bearsFewer = most < cpus && memoryBytes !== null;
  if (quota === null && !bearsFewer) return null;
  const by = quota === null ? `${cpus} CPUs` : `${quota.from} ${round(quota.cpus)}`;
  if (!bearsFewer) return `${by} → ${count(workers)}`;
  return `${by} and ${mib(memoryBytes)} of memory → ${count(workers)}`;
}

function explainHeap({ limits: { memoryBytes }, workers, surge, ownHeap }: Sized): string | null {
  if (memoryBytes === null || ownHeap) return null;
  const heap = heapMib(memoryBytes, workers, surge);
  return heap === null ? null : `${mib(memoryBytes)} → ${heap} MiB heap${workers === 1 ? '' : ' each'}`;
}

/** What is said where the memory is too little for the workers; null: it is not. */
export function shortOfMemory({ limits: { memoryBytes }, workers, surge, ownHeap }: Sized): string | null {
  if (memoryBytes === null || ownHeap || heapMib(memoryBytes, workers, surge) !== null) return null;
  const fits = mostWorkers(memoryBytes, surge);
  const needed = mib(memoryFor(workers, LEAST_HEAP_MIB, surge));
  const fewer = fits === 0 || fits >= workers ? '' : `, or set workers to ${fits}`;
  return `the memory limit of ${mib(memoryBytes)} is little for ${count(workers)}: the heap has no limit of its own, and the kernel may kill a process. Give it ${needed}${fewer}`;
}

function count(workers: number): string {
  return workers === 1 ? '1 worker' : `${workers} workers`;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

function round(cpus: number): string {
  return String(Math.round(cpus * 100) / 100);
}
