// Where the files of this process's control groups are (primary; Linux): from /proc/self/cgroup and /proc/self/mountinfo, in v1 and v2, in a
// container and outside of one. `root` is `/` but in tests.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { monotonicMs } from '../monotonic.ts';

/** A process is rarely moved to another group, and to find its folders takes longer than to read what is in them. */
const KEPT_MS = 30_000;
const known = new Map<string, { folders: string[]; at: number }>();

/** The folders of this process's group and of its ancestors, innermost first. Those of `/` are up to 30 s old. */
export function groupFolders(root: string, version: 'v1' | 'v2', controller: string): readonly string[] {
  if (root !== '/') return findFolders(root, version, controller);
  const key = `${version} ${controller}`;
  const now = monotonicMs();
  const last = known.get(key);
  if (last !== undefined && now - last.at < KEPT_MS) return last.folders;
  const folders = findFolders(root, version, controller);
  known.set(key, { folders, at: now });
  return folders;
}

function findFolders(root: string, version: 'v1' | 'v2', controller: string): string[] {
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

export function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

export function readNumber(path: string): number | null {
  const text = read(path)?.trim();
  return text === undefined || !/^-?\d+$/.test(text) ? null : Number(text);
}
