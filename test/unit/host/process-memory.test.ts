import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMicros } from '../../../src/host/machine/process-cpu.ts';
import { ProcessMemory } from '../../../src/host/machine/process-memory.ts';

const skip = process.platform !== 'linux';

test('a young process is read again soon, an old one every five seconds', { skip }, () => {
  const memory = new ProcessMemory();
  const begun = memory.of(process.pid, 0);
  assert.ok(begun !== null && begun.pssBytes > 1e6 && begun.rssBytes >= begun.pssBytes);
  assert.equal(memory.of(process.pid, 200), begun, 'read just now');
  const reads: number[] = [];
  for (let now = 200, last = begun; now < 30_000; now += 50) {
    const size = memory.of(process.pid, now);
    if (size !== null && size !== last) reads.push(now);
    last = size ?? last;
  }
  const gaps = reads.map((now, index) => now - (reads[index - 1] ?? 0));
  assert.deepEqual(gaps.slice(0, 5), [250, 250, 500, 1_000, 2_000]);
  assert.deepEqual(
    gaps.slice(6),
    gaps.slice(6).map(() => 5_000),
  );
  assert.equal(memory.of(2 ** 22 + 1, 0), null);
});

test('the CPU time of a process is what it says itself', { skip }, () => {
  const { user, system } = process.cpuUsage();
  const seen = cpuMicros(process.pid) ?? 0;
  assert.ok(Math.abs(seen - user - system) < 100_000, `${seen} is not ${user + system}`);
  assert.equal(cpuMicros(2 ** 22 + 1), null);
});
