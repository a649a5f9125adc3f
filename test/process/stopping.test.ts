// Promise: whatever is going on, a stop ends, with the right code, and leaves nothing behind (the rig proves the last part).

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { isAlive } from '../support/processes.ts';
import { startRig } from '../support/rig.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} once: the request in flight is answered, then code 0`, async () => {
    await using rig = await startRig({ fixture: 'slow-response.cjs', env: { HOLD_MS: '1500' } });
    const answer = rig.fetch('/');
    await rig.fetch('/?ms=100');
    const ending = rig.end(signal);
    assert.equal((await answer).status, 200);
    assert.deepEqual(await ending, { code: 0, signal: null });
  });
}

test('SIGINT twice: at once, whatever is in flight', async () => {
  await using rig = await startRig({ fixture: 'slow-response.cjs', env: { HOLD_MS: '60000' } });
  const lost = assert.rejects(rig.fetch('/'));
  await rig.fetch('/?ms=100');
  rig.signal('SIGINT');
  await rig.waitFor('worker-draining');
  assert.deepEqual(await rig.end('SIGINT', 10_000), { code: 0, signal: null });
  await lost;
});

test('SIGQUIT: the fast stop', async () => {
  await using rig = await startRig({ fixture: 'slow-response.cjs', env: { HOLD_MS: '60000' } });
  const lost = assert.rejects(rig.fetch('/'));
  await rig.fetch('/?ms=100');
  assert.deepEqual(await rig.end('SIGQUIT', 10_000), { code: 0, signal: null });
  await lost;
});

test('SIGTERM before any worker is ready', async () => {
  await using rig = await startRig({ fixture: 'slow-start.cjs', env: { START_MS: '60000' }, ready: 0 });
  await rig.waitFor('worker-online');
  assert.deepEqual(await rig.end('SIGTERM', 15_000), { code: 0, signal: null });
});

test('SIGTERM as early as can be', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', ready: 0 });
  await rig.waitFor(() => true);
  assert.deepEqual(await rig.end('SIGTERM', 15_000), { code: 0, signal: null });
});

test('SIGTERM during a reload', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'canary-time': '30s' } });
  rig.signal('SIGHUP');
  await rig.waitFor('reload-started');
  await rig.waitFor((event) => event.type === 'worker-ready' && event.generation === 2);
  assert.deepEqual(await rig.end('SIGTERM', 15_000), { code: 0, signal: null });
});

test('SIGTERM during a drain that will not end: drainTimeout bounds it', async () => {
  await using rig = await startRig({
    fixture: 'slow-response.cjs',
    env: { HOLD_MS: '60000' },
    flags: { 'drain-timeout': '1s', 'stop-timeout': '500ms' },
  });
  const lost = assert.rejects(rig.fetch('/'));
  await rig.fetch('/?ms=100');
  rig.signal('SIGTERM');
  await rig.waitFor('worker-draining');
  assert.deepEqual(await rig.end('SIGTERM', 15_000), { code: 0, signal: null });
  await lost;
});

test('SIGHUP during a reload: the latest wins', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'canary-time': '500ms' } });
  rig.signal('SIGHUP');
  await rig.waitFor('reload-started');
  rig.signal('SIGHUP');
  const second = await rig.waitFor((event) => event.type === 'reload-started' && event.generation === 3);
  const done = await rig.waitFor('reload-done');
  assert.equal(done.generation, second.generation);
  await rig.untilReady(2);
});

test('a worker that ignores SIGTERM is killed after stopTimeout', async () => {
  await using rig = await startRig({
    fixture: 'ignores-sigterm.cjs',
    flags: { 'drain-timeout': '1s', 'stop-timeout': '500ms' },
  });
  const [first] = rig.ready();
  assert.deepEqual(await rig.end('SIGTERM', 20_000), { code: 0, signal: null });
  const exit = await rig.waitFor((event) => event.type === 'worker-exit' && event.pid === first);
  assert.equal(exit.signal, 'SIGKILL');
  assert.match(rig.stderr, /ignores-sigterm: no/);
});

test('a stopped (SIGSTOP) worker cannot hold up a stop', async () => {
  await using rig = await startRig({ fixture: 'hello.cjs', flags: { 'drain-timeout': '1s', 'stop-timeout': '500ms' } });
  const [frozen = 0] = rig.ready();
  process.kill(frozen, 'SIGSTOP');
  assert.deepEqual(await rig.end('SIGTERM', 20_000), { code: 0, signal: null });
});

test("the application's own SIGTERM handler runs, after the drain, once in each worker", async () => {
  await using rig = await startRig({ fixture: 'cleans-up.cjs', env: { CLEANUP_FILE: 'cleaned' } });
  const pids = rig.ready();
  assert.deepEqual(await rig.end('SIGTERM'), { code: 0, signal: null });
  const cleaned = readFileSync(`${rig.dir}/cleaned`, 'utf8').trim().split('\n').map(Number);
  assert.deepEqual(cleaned.sort(), pids.sort());
});

test('SIGINT to the whole group, as a terminal sends it: the application drains first', async () => {
  await using rig = await startRig({ fixture: 'slow-response.cjs', env: { HOLD_MS: '1500' } });
  const answer = rig.fetch('/');
  await rig.fetch('/?ms=100');
  for (const pid of [rig.pid, ...rig.workers()]) process.kill(pid, 'SIGINT');
  assert.equal((await answer).status, 200);
  assert.deepEqual(await rig.end(null), { code: 0, signal: null });
});

test('the primary is killed: workers finish what they have and leave', async () => {
  await using rig = await startRig({ fixture: 'slow-response.cjs', env: { HOLD_MS: '1500' } });
  const workers = rig.ready();
  const answer = rig.fetch('/');
  await rig.fetch('/?ms=100');
  await rig.end('SIGKILL');
  assert.equal((await answer).status, 200);
  await eventually('the orphans to leave', () => !workers.some(isAlive));
});

test('signals that come when everything has ended already do not cut off the tidying up', async () => {
  await using rig = await startRig({
    fixture: 'exits-0.cjs',
    ready: 0,
    flags: { workers: 1, ready: 'started', restart: 'on-failure' },
  });
  await rig.waitFor('worker-exit');
  // From here to the end of the process there is only tidying up.
  const ended = rig.end(null);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await eventually(
    'the end',
    () => {
      if (!over) rig.primary.kill('SIGTERM');
      return over;
    },
    { everyMs: 1 },
  );
  // Node itself gives the signals back in its last milliseconds; by then nothing of ours is left to tidy up.
  const { code, signal } = await ended;
  assert.ok(code === 0 || signal === 'SIGTERM', `${code} ${signal}`);
  assert.equal(rig.events.all('notice').at(-1)?.message, 'stopped: every worker has finished');
  const left = readdirSync(join(rig.environment().TUTTI_HOME as string, 'run')).filter((name) =>
    name.endsWith('.sock'),
  );
  assert.deepEqual(left, []);
});
