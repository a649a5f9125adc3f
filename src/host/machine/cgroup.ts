// How much CPU and memory this process may really use (primary; Linux). Node's own answers are wrong in containers: Node 20 ignores the CPU
// quota, later versions round it down and miss some layouts. So the files of cgroup v1 and v2 are read here, up the whole hierarchy. The
// tightest limit on the way to the root holds. Everything is read again at each call: a container's limits can change while it runs.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { groupFolders, read, readNumber } from './cgroup-folders.ts';

/** A higher limit is the kernel's way to say "none". */
const UNLIMITED_BYTES = 2 ** 60;

export interface CpuAllowance {
  /** Whole CPUs to use: the quota rounded up, at least 1, at most the CPUs this process may run on. */
  count: number;
  /** The quota as set, e.g. 1.5; null if there is none. */
  quota: number | null;
  /** The CPUs that this process may run on. */
  affinity: number;
  /** The file that the quota is from; null if there is none. */
  from: 'cpu.max' | 'cpu.cfs_quota_us' | null;
}

/** The CPUs this process may use. */
export function cpuAllowance(root = '/'): CpuAllowance {
  const affinity = cpuAffinity(root);
  const tightest = cpuQuota(root);
  const count = Math.max(1, Math.min(affinity, Math.ceil(tightest?.cpus ?? affinity)));
  return { count, quota: tightest?.cpus ?? null, affinity, from: tightest?.from ?? null };
}

/** How often this control group has had no CPU time left, since it was made. */
export interface Throttling {
  /** The quota's periods, usually of 100 ms, in which the group ran. */
  periods: number;
  /** Those of them in which it had to wait for the next one. */
  throttled: number;
  /** How long its threads have waited, added up. */
  seconds: number;
}

/** Of the group whose quota is the tightest; null without a quota. */
export function cpuThrottling(root = '/'): Throttling | null {
  return throttlingBy(cpuQuota(root));
}

function throttlingBy(tightest: Quota | null): Throttling | null {
  const stat = tightest === null ? null : read(join(tightest.folder, 'cpu.stat'));
  if (stat === null) return null;
  const number = (name: string) => numberIn(stat, name) ?? 0;
  const micros = numberIn(stat, 'throttled_usec');
  const seconds = micros === null ? number('throttled_time') / 1e9 : micros / 1e6;
  return { periods: number('nr_periods'), throttled: number('nr_throttled'), seconds };
}

/** The memory limit of the control group in bytes; null if there is none or none can be read. */
export function memoryLimitBytes(root = '/'): number | null {
  return smallest(memoryGroups(root).map(({ maxBytes }) => maxBytes));
}

export interface MemoryUse {
  limitBytes: number;
  /** Without the file cache, which the kernel can reclaim. */
  usedBytes: number;
  /** At the limit the kernel ends every process of the group, and not only the largest. */
  endsAll: boolean;
}

/** Of the group that is nearest to its limit; null without a limit. */
export function memoryUse(root = '/'): MemoryUse | null {
  let nearest: MemoryUse | null = null;
  for (const group of memoryGroups(root)) {
    const used = readNumber(join(group.folder, group.usage));
    if (used === null) continue;
    const stat = read(join(group.folder, 'memory.stat')) ?? '';
    const cached = ['inactive_file', 'active_file'].map((name) => numberIn(stat, group.prefix + name) ?? 0);
    const usedBytes = Math.min(group.maxBytes, Math.max(0, used - cached.reduce((sum, bytes) => sum + bytes, 0)));
    const use = { limitBytes: group.maxBytes, usedBytes, endsAll: endsAll(group.folder, root) };
    if (nearest === null || freeOf(use) < freeOf(nearest)) nearest = use;
  }
  return nearest;
}

/** What is left below the tightest memory limit, plus the file cache, which the kernel can reclaim; null without a limit. */
export function memoryFreeBytes(root = '/'): number | null {
  const use = memoryUse(root);
  return use === null ? null : freeOf(use);
}

/** How many processes of this control group the out-of-memory killer has killed; null if it cannot be read. */
export function outOfMemoryKills(root = '/'): number | null {
  const v2 = groupFolders(root, 'v2', 'memory')[0];
  const v1 = groupFolders(root, 'v1', 'memory')[0];
  const text = (v2 && read(join(v2, 'memory.events'))) ?? (v1 && read(join(v1, 'memory.oom_control')));
  return text ? numberIn(text, 'oom_kill') : null;
}

/** All of it at once, for metrics and for a look every two seconds. */
export function containerUsage(): {
  cpuQuota: number | null;
  throttling: Throttling | null;
  memory: MemoryUse | null;
  kills: number | null;
} {
  const quota = cpuQuota('/');
  return {
    cpuQuota: quota?.cpus ?? null,
    throttling: throttlingBy(quota),
    memory: memoryUse(),
    kills: outOfMemoryKills(),
  };
}

export class OutOfMemoryKills {
  #known = outOfMemoryKills();

  /** Whether there were more since this was asked last. */
  areMore(): boolean {
    const before = this.#known;
    this.#known = outOfMemoryKills();
    return before !== null && this.#known !== null && this.#known > before;
  }
}

/** As the scheduler has it: Node's answer is cut by the quota, rounded down. */
function cpuAffinity(root: string): number {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read(join(root, 'proc/self/status')) ?? '')?.[1];
  if (list === undefined) return availableParallelism();
  return list.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}

interface Quota {
  cpus: number;
  folder: string;
  from: 'cpu.max' | 'cpu.cfs_quota_us';
}

function cpuQuota(root: string): Quota | null {
  const quotas = [
    ...groupFolders(root, 'v2', 'cpu').map((folder) => {
      const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').trim().split(/\s+/).map(Number);
      return { cpus: ratio(quota, period), folder, from: 'cpu.max' } as const;
    }),
    ...groupFolders(root, 'v1', 'cpu').map((folder) => {
      const cpus = ratio(readNumber(join(folder, 'cpu.cfs_quota_us')), readNumber(join(folder, 'cpu.cfs_period_us')));
      return { cpus, folder, from: 'cpu.cfs_quota_us' } as const;
    }),
  ].filter((quota): quota is Quota => quota.cpus !== null);
  return quotas.reduce<Quota | null>(
    (least, quota) => (least === null || quota.cpus < least.cpus ? quota : least),
    null,
  );
}

interface MemoryGroup {
  folder: string;
  maxBytes: number;
  /** The name of the file that tells how much is used, and what the names in memory.stat begin with. */
  usage: string;
  prefix: string;
}

/** Those that have a limit. */
function memoryGroups(root: string): MemoryGroup[] {
  const groups = (version: 'v1' | 'v2', limit: string, usage: string, prefix: string) =>
    groupFolders(root, version, 'memory').map((folder) => ({
      ...{ folder, usage, prefix },
      maxBytes: readNumber(join(folder, limit)) ?? UNLIMITED_BYTES,
    }));
  return [
    ...groups('v2', 'memory.max', 'memory.current', ''),
    ...groups('v1', 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_'),
  ].filter(({ maxBytes }) => maxBytes < UNLIMITED_BYTES);
}

/** Whether the killer takes a whole group: this one, as it is out of memory, or one below in which this process is. */
function endsAll(limited: string, root: string): boolean {
  const within = groupFolders(root, 'v2', 'memory').filter((folder) => folder.startsWith(limited));
  return within.some((folder) => read(join(folder, 'memory.oom.group'))?.trim() === '1');
}

function freeOf({ limitBytes, usedBytes }: MemoryUse): number {
  return limitBytes - usedBytes;
}

function numberIn(text: string, name: string): number | null {
  const digits = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}

function ratio(quota: number | null | undefined, period: number | null | undefined): number | null {
  return quota && period && quota > 0 && period > 0 ? quota / period : null;
}

function smallest(numbers: number[]): number | null {
  return numbers.length === 0 ? null : Math.min(...numbers);
}
