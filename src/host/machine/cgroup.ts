// How much CPU and memory this process may really use (primary; Linux). Node's own answers are wrong in containers: Node 20 ignores the CPU
// quota, later versions round it down and miss some layouts. So the files of cgroup v1 and v2 are read here, up the whole hierarchy. The
// tightest limit on the way to the root holds.

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';

/** A higher limit is the kernel's way to say "none". */
const UNLIMITED_BYTES = 2 ** 60;

export interface CpuAllowance {
  /** Whole CPUs to use: the quota rounded up, at least 1, at most the CPUs this process may run on. */
  count: number;
  /** The quota as set, e.g. 1.5; null if there is none. */
  quota: number | null;
}

/** The CPUs this process may use. Read again at each call: a container's limit can change while it runs. */
export function cpuAllowance(root = '/', parallelism = availableParallelism()): CpuAllowance {
  const quota = cpuQuota(root);
  const count = quota === null ? parallelism : Math.min(parallelism, Math.ceil(quota));
  return { count: Math.max(1, count), quota };
}

/** The memory limit of the control group in bytes; null if there is none or none can be read. */
export function memoryLimitBytes(root = '/'): number | null {
  const limits = [
    ...folders(root, 'v2', 'memory').map((folder) => readNumber(join(folder, 'memory.max'))),
    ...folders(root, 'v1', 'memory').map((folder) => readNumber(join(folder, 'memory.limit_in_bytes'))),
  ];
  return smallest(limits.filter((bytes) => bytes !== null && bytes < UNLIMITED_BYTES));
}

/** What is left below the tightest memory limit, plus the file cache, which the kernel can reclaim; null without a limit. */
export function memoryFreeBytes(root = '/'): number | null {
  const left = (folder: string, limit: string, usage: string, prefix: string): number | null => {
    const max = readNumber(join(folder, limit));
    const used = readNumber(join(folder, usage));
    if (max === null || used === null || max >= UNLIMITED_BYTES) return null;
    const stat = read(join(folder, 'memory.stat')) ?? '';
    const cached = ['inactive_file', 'active_file'].map((name) =>
      Number(new RegExp(`^${prefix}${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0),
    );
    return Math.max(0, max - used + cached.reduce((sum, bytes) => sum + bytes, 0));
  };
  return smallest([
    ...folders(root, 'v2', 'memory').map((folder) => left(folder, 'memory.max', 'memory.current', '')),
    ...folders(root, 'v1', 'memory').map((folder) =>
      left(folder, 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_'),
    ),
  ]);
}

/** How many processes of this control group the out-of-memory killer has killed; null if it cannot be read. */
export function outOfMemoryKills(root = '/'): number | null {
  const v2 = folders(root, 'v2', 'memory')[0];
  const v1 = folders(root, 'v1', 'memory')[0];
  const text = (v2 && read(join(v2, 'memory.events'))) ?? (v1 && read(join(v1, 'memory.oom_control'))) ?? '';
  const count = /^oom_kill (\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
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

function cpuQuota(root: string): number | null {
  const quotas = [
    ...folders(root, 'v2', 'cpu').map((folder) => {
      const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').trim().split(/\s+/).map(Number);
      return ratio(quota, period);
    }),
    ...folders(root, 'v1', 'cpu').map((folder) =>
      ratio(readNumber(join(folder, 'cpu.cfs_quota_us')), readNumber(join(folder, 'cpu.cfs_period_us'))),
    ),
  ];
  return smallest(quotas);
}

/** The folders of this process's group and of its ancestors, innermost first. */
function folders(root: string, version: 'v1' | 'v2', controller: string): string[] {
  const group = groupPath(root, version, controller);
  const mount = mountPoint(root, version, controller);
  if (group === null || mount === null) return [];
  // In a container without its own cgroup namespace the group's path is the host's, while only `mount.root` of it is mounted.
  const inside = relative(mount.root, group);
  const top = join(root, mount.point);
  const found: string[] = [];
  let folder = inside.startsWith('..') ? top : join(top, inside);
  while (folder.length >= top.length) {
    if (existsSync(folder)) found.push(folder);
    if (folder === top) break;
    folder = dirname(folder);
  }
  return found;
}

function groupPath(root: string, version: 'v1' | 'v2', controller: string): string | null {
  for (const line of lines(join(root, 'proc/self/cgroup'))) {
    const [id, controllers, ...rest] = line.split(':');
    const matches = version === 'v2' ? id === '0' && controllers === '' : controllers?.split(',').includes(controller);
    if (matches) return rest.join(':');
  }
  return null;
}

function mountPoint(root: string, version: 'v1' | 'v2', controller: string): { root: string; point: string } | null {
  // 36 35 98:0 /root /mount/point rw,noatime master:1 - cgroup cgroup rw,cpu,cpuacct
  for (const line of lines(join(root, 'proc/self/mountinfo'))) {
    const [left, right] = line.split(' - ');
    const [type, , options] = right?.split(' ') ?? [];
    const [, , , mountRoot, point] = left?.split(' ') ?? [];
    if (mountRoot === undefined || point === undefined) continue;
    const matches =
      version === 'v2' ? type === 'cgroup2' : type === 'cgroup' && options?.split(',').includes(controller) === true;
    if (matches) return { root: unescapeOctal(mountRoot), point: unescapeOctal(point) };
  }
  return null;
}

function unescapeOctal(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function lines(path: string): string[] {
  return (read(path) ?? '').split('\n');
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function readNumber(path: string): number | null {
  const text = read(path)?.trim();
  return text === undefined || !/^-?\d+$/.test(text) ? null : Number(text);
}

function ratio(quota: number | null | undefined, period: number | null | undefined): number | null {
  return quota && period && quota > 0 && period > 0 ? quota / period : null;
}

function smallest(values: (number | null)[]): number | null {
  const numbers = values.filter((value) => value !== null);
  return numbers.length === 0 ? null : Math.min(...numbers);
}
