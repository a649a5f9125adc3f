// In a container with real limits: as many workers as they bear, each with its share of the memory, also when the limits change.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type TestContext, test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { ControlGroup, type GroupLimits } from '../support/control-group.ts';
import { eventually } from '../support/eventually.ts';
import { fetch } from '../support/fetch.ts';
import { assertNothingLost, startLoad } from '../support/load.ts';

const MIB = 2 ** 20;

function groupWith(t: TestContext, limits: GroupLimits): ControlGroup | null {
  const group = availableParallelism() < 2 ? 'there is one CPU only' : ControlGroup.make(limits);
  if (typeof group !== 'string') return group;
  t.skip(group);
  return null;
}

test('auto and the heap are those of the limits, and follow them under load without a lost request', async (t) => {
  await using group = groupWith(t, { cpus: 1.5, memoryBytes: 512 * MIB });
  if (group === null) return;
  await using cli = await openCli();
  cli.prefix = group.prefix;
  const app = cli.begin(['run', cli.fixture('heap.cjs'), '--name', 'web', '--json', '--canary-time', '0']);
  const ready = async () => (await cli.snapshot('web')).workers.filter(({ state }) => state === 'ready');
  await eventually('two workers', async () => (await ready()).length === 2);
  const [worker] = await ready();
  assert.match(readFileSync(`/proc/${worker?.pid}/cmdline`, 'latin1'), /--max-old-space-size=152\0/);
  const { heapMib, execArgv } = JSON.parse((await fetch({ port: cli.port, path: '/heap' })).body);
  assert.ok(heapMib >= 152 && heapMib <= 152 + 64, `${heapMib} MiB with the new space`);
  assert.deepEqual(execArgv, []);

  cli.prefix = [];
  await using load = await startLoad({ port: cli.port, keepAlive: 4, fresh: 2, thinkMs: 20, gets: true });
  await load.reached(50);
  group.limit({ cpus: 0.9 });
  await eventually('one worker', async () => (await cli.snapshot('web')).target === 1 && (await ready()).length === 1);
  group.limit({ cpus: 2, memoryBytes: 1024 * MIB });
  await eventually('two workers again', async () => (await ready()).length === 2);
  await load.more(50);
  assertNothingLost(await load.stop(), 100);
  app.process.kill('SIGTERM');
  const { code, stderr } = await app.finished;
  assert.equal(code, 0);
  assert.match(stderr, /cpu\.cfs_quota_us 1\.5 → 2 workers; 512 MiB → 152 MiB heap each/);
  assert.match(stderr, /cpu\.cfs_quota_us is 0\.9 now/);
  assert.match(stderr, /the memory limit is 1024 MiB now: 1024 MiB → 408 MiB heap each/);
});

test('the kill of one worker for memory is told, and the app serves on', async (t) => {
  await using group = groupWith(t, { cpus: 2, memoryBytes: 256 * MIB });
  if (group === null) return;
  await using cli = await openCli();
  cli.prefix = group.prefix;
  const app = cli.begin(['run', cli.fixture('heap.cjs'), '--name', 'web', '--json', '-i', '2']);
  await eventually('the app to answer', async () => (await fetch({ port: cli.port })).status === 200);
  await fetch({ port: cli.port, path: '/grow/400' }).catch(() => {});
  await eventually('both workers again', async () => {
    const { workers } = await cli.snapshot('web');
    return (
      workers.filter(({ state }) => state === 'ready').length === 2 && workers.some(({ restarts }) => restarts > 0)
    );
  });
  await eventually('the word of it', async () =>
    (await cli.client('web').recentEvents()).some(({ event }) => event.type === 'out-of-memory'),
  );
  app.process.kill('SIGTERM');
  const { code, stderr } = await app.finished;
  assert.equal(code, 0);
  assert.match(stderr, /the memory limit of 256 MiB is little for 2 workers/);
  assert.match(stderr, /the kernel killed a process of this container: its memory limit of 256 MiB was reached/);
});
