import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  cpuAllowance,
  cpuThrottling,
  memoryFreeBytes,
  memoryLimitBytes,
  memoryUse,
  outOfMemoryKills,
} from '../../../src/host/machine/cgroup.ts';

/** A root folder with these files, as the kernel would show them. */
function machine(t: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'tutti-cgroup-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** The allowance of a process that may run on so many CPUs. */
function allowance(root: string, cpus: number): { count: number; quota: number | null } {
  mkdirSync(join(root, 'proc/self'), { recursive: true });
  writeFileSync(join(root, 'proc/self/status'), `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-${cpus - 1}\n`);
  const { count, quota } = cpuAllowance(root);
  return { count, quota };
}

/** Where only v2 is mounted, and this process is in this group. The files are those of the hierarchy. */
function unified(t: TestContext, group: string, files: Record<string, string> = {}): string {
  const mount = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';
  const hierarchy = Object.entries(files).map(([path, text]) => [join('sys/fs/cgroup', path), text]);
  return machine(t, {
    ...{ 'proc/self/cgroup': `0::${group}\n`, 'proc/self/mountinfo': mount },
    ...Object.fromEntries(hierarchy),
  });
}

test('v2: the tightest quota on the way to the root holds, rounded up', (t) => {
  const root = unified(t, '/pod/app', {
    'pod/cpu.max': '150000 100000\n',
    'pod/app/cpu.max': 'max 100000\n',
  });
  assert.deepEqual(allowance(root, 8), { count: 2, quota: 1.5 });
});

test('v2: a quota below one CPU is one worker', (t) => {
  const root = unified(t, '/', { 'cpu.max': '25000 100000\n' });
  assert.deepEqual(allowance(root, 8), { count: 1, quota: 0.25 });
});

test('affinity is a limit beside the quota', (t) => {
  const root = unified(t, '/', { 'cpu.max': '600000 100000\n' });
  assert.equal(allowance(root, 4).count, 4);
});

test('v1: the cpu controller, mounted with others and from within a container', (t) => {
  const root = machine(t, {
    'proc/self/cgroup': '12:memory:/docker/abc\n5:cpu,cpuacct:/docker/abc\n',
    'proc/self/mountinfo':
      '36 35 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n' +
      '37 35 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n',
    'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '250000\n',
    'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '536870912\n',
    'sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
  });
  assert.deepEqual(allowance(root, 8), { count: 3, quota: 2.5 });
  assert.equal(memoryLimitBytes(root), 512 * 2 ** 20);
  assert.equal(outOfMemoryKills(root), 3);
});

test('v1: -1 and the largest page count mean no limit', (t) => {
  const root = machine(t, {
    'proc/self/cgroup': '5:cpu:/\n4:memory:/\n',
    'proc/self/mountinfo':
      '36 35 0:31 / /cg/cpu rw - cgroup cgroup rw,cpu\n37 35 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n',
    'cg/cpu/cpu.cfs_quota_us': '-1\n',
    'cg/cpu/cpu.cfs_period_us': '100000\n',
    'cg/memory/memory.limit_in_bytes': '9223372036854771712\n',
  });
  assert.deepEqual(allowance(root, 8), { count: 8, quota: null });
  assert.equal(memoryLimitBytes(root), null);
});

test('v2: memory limit and kills', (t) => {
  const root = unified(t, '/a/b', {
    'a/memory.max': '1073741824\n',
    'a/b/memory.max': 'max\n',
    'a/b/memory.events': 'low 0\nhigh 0\nmax 5\noom 1\noom_kill 2\noom_group_kill 0\n',
  });
  assert.equal(memoryLimitBytes(root), 2 ** 30);
  assert.equal(outOfMemoryKills(root), 2);
});

test('a system without control groups has no limits', (t) => {
  const root = machine(t, { 'proc/self/status': '' });
  assert.deepEqual(allowance(root, 3), { count: 3, quota: null });
  assert.equal(memoryLimitBytes(root), null);
  assert.equal(outOfMemoryKills(root), null);
});

test('free memory: below the tightest limit, with the file cache that the kernel gives back', (t) => {
  const root = unified(t, '/pod/app', {
    'pod/memory.max': '1000\n',
    'pod/memory.current': '900\n',
    'pod/memory.stat': 'anon 500\ninactive_file 100\nactive_file 50\n',
    'pod/app/memory.max': '600\n',
    'pod/app/memory.current': '100\n',
    'pod/app/memory.stat': 'inactive_file 0\nactive_file 10\n',
  });
  assert.equal(memoryFreeBytes(root), 250);
  assert.equal(memoryFreeBytes(unified(t, '/')), null);
});

test("the affinity is the scheduler's, with gaps; the quota does not cut it", (t) => {
  const root = unified(t, '/', { 'cpu.max': '150000 100000\n' });
  writeFileSync(join(root, 'proc/self/status'), 'Cpus_allowed_list:\t0,2-3,64-67\n');
  assert.deepEqual(cpuAllowance(root), { count: 2, quota: 1.5, affinity: 7, from: 'cpu.max' });
});

test('hybrid: limits of v1 hold beside an empty v2; a group whose path is outside of the mount is its root', (t) => {
  const root = machine(t, {
    'proc/self/cgroup': '4:memory:/host/path\n2:cpu:/../../elsewhere\n0::/\n',
    'proc/self/mountinfo':
      '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n' +
      '35 31 0:32 /host/path /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
    'sys/fs/cgroup/unified/cgroup.procs': '',
    'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
    'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    'sys/fs/cgroup/cpu/cpu.stat': 'nr_periods 12\nnr_throttled 5\nthrottled_time 1500000000\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '200000000\n',
    'sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 30000000\ntotal_active_file 20000000\n',
  });
  assert.deepEqual(allowance(root, 2), { count: 1, quota: 0.5 });
  assert.deepEqual(cpuThrottling(root), { periods: 12, throttled: 5, seconds: 1.5 });
  assert.deepEqual(memoryUse(root), { limitBytes: 2 ** 28, usedBytes: 150_000_000, endsAll: false });
});

test('throttling is that of the group whose quota is the tightest', (t) => {
  const root = unified(t, '/pod/app', {
    'pod/cpu.max': '100000 100000\n',
    'pod/cpu.stat': 'usage_usec 5\nnr_periods 100\nnr_throttled 40\nthrottled_usec 2500000\n',
    'pod/app/cpu.max': 'max 100000\n',
    'pod/app/cpu.stat': 'nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n',
  });
  assert.deepEqual(cpuThrottling(root), { periods: 100, throttled: 40, seconds: 2.5 });
  assert.equal(cpuThrottling(unified(t, '/')), null);
});

test('the killer ends all where a group from this one up to the limited one says so', (t) => {
  const group = (own: string, pod: string, above: string) =>
    memoryUse(
      unified(t, '/above/pod/own', {
        'above/memory.oom.group': above,
        'above/pod/memory.max': '1000\n',
        'above/pod/memory.current': '400\n',
        'above/pod/memory.oom.group': pod,
        'above/pod/own/memory.max': 'max\n',
        'above/pod/own/memory.oom.group': own,
      }),
    )?.endsAll;
  assert.equal(group('1\n', '0\n', '0\n'), true);
  assert.equal(group('0\n', '1\n', '0\n'), true);
  assert.equal(group('0\n', '0\n', '1\n'), false);
});
