// What a service manager is told by sd_notify(3), through the system's own systemd-notify, and that workers know nothing of it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { NotifyReceiver } from '../support/notify-receiver.ts';
import { isAlive } from '../support/processes.ts';
import { Releases } from '../support/releases.ts';
import { startRig } from '../support/rig.ts';

const hasTools = ['systemd-notify', 'perl'].every((tool) => spawnSync(tool, ['--version']).status === 0);
const skip = hasTools ? false : 'systemd-notify and perl are not installed';

test('ready, reloads that succeed and fail, the watchdog and the end are told in order', { skip }, async () => {
  using manager = await NotifyReceiver.open();
  using releases = new Releases().deploy('1');
  await using rig = await startRig({
    fixture: releases.entry,
    flags: { workers: 2 },
    env: { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '400000' },
  });
  const ready = await manager.waitFor('READY', (told) => 'READY' in told);
  assert.equal(ready.STATUS, '2 of 2 workers ready, generation 1');
  await manager.waitFor('WATCHDOG', (told) => 'WATCHDOG' in told);

  const beforeReload = manager.messages.length;
  releases.deploy('2');
  assert.equal((await rig.reload()).type, 'reload-done');
  const reloading = await manager.waitFor('RELOADING', (told) => 'RELOADING' in told, beforeReload);
  assert.ok(BigInt(reloading.MONOTONIC_USEC ?? 0) <= process.hrtime.bigint() / 1000n);
  const again = await manager.waitFor('READY again', (told) => 'READY' in told, beforeReload);
  assert.equal(again.STATUS, '2 of 2 workers ready, generation 2');
  assert.ok(manager.messages.indexOf(reloading) < manager.messages.indexOf(again));

  const beforeFailure = manager.messages.length;
  releases.deploy('3', 'throws-on-boot.cjs');
  assert.equal((await rig.reload()).type, 'reload-failed');
  const after = await manager.waitFor('READY after a failed reload', (told) => 'READY' in told, beforeFailure);
  assert.match(after.STATUS ?? '', /^2 of 2 workers ready, generation 2; the last reload failed: .*/);

  assert.deepEqual(await rig.end('SIGTERM'), { code: 0, signal: null });
  const stopping = await manager.waitFor('STOPPING', (told) => 'STOPPING' in told);
  // drainTimeout 25 s, stopTimeout 3 s, and a margin.
  assert.ok(Number(stopping.EXTEND_TIMEOUT_USEC) >= 28_000_000);
  const states = manager.messages.flatMap((told) =>
    ['READY', 'RELOADING', 'STOPPING'].filter((state) => state in told),
  );
  const inOrder = states.filter((state, index) => state !== states[index - 1]);
  assert.deepEqual(inOrder, ['READY', 'RELOADING', 'READY', 'RELOADING', 'READY', 'STOPPING']);
});

test('a successor is the main process once it has taken over, and says nothing before', { skip }, async () => {
  using manager = await NotifyReceiver.open();
  using releases = new Releases().deploy('1');
  await using rig = await startRig({
    fixture: releases.entry,
    flags: { workers: 1 },
    env: { NOTIFY_SOCKET: manager.path },
  });
  await manager.waitFor('READY', (told) => 'READY' in told);
  releases.deploy('2', 'throws-on-boot.cjs');
  rig.signal('SIGUSR2');
  await rig.waitFor(({ type }) => type === 'upgrade-failed');
  releases.deploy('3');
  const before = manager.messages.length;
  rig.signal('SIGUSR2');
  const handedOver = await manager.waitFor('MAINPID', (told) => 'MAINPID' in told);
  const successor = Number(handedOver.MAINPID);
  assert.deepEqual(await rig.end(null), { code: 0, signal: null });
  // Each speaks for itself: which of the two comes first is by lot.
  await manager.waitFor('READY of the successor', (told) => 'READY' in told, before);
  // Of the failed one, and of the old one, systemd would take it for the end of the whole service.
  assert.ok(!manager.messages.some((told) => 'STOPPING' in told));
  process.kill(successor, 'SIGTERM');
  await manager.waitFor('STOPPING', (told) => 'STOPPING' in told, before);
  await eventually('the successor has ended', () => !isAlive(successor));
});

test('no variable of the service manager reaches a worker', async () => {
  const named = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'];
  await using rig = await startRig({
    fixture: 'mirror.cjs',
    flags: { workers: 1 },
    env: { NOTIFY_SOCKET: '/nonexistent/notify', WATCHDOG_USEC: '600000000', WATCHDOG_PID: '1' },
  });
  const { env } = JSON.parse((await rig.fetch()).body);
  assert.deepEqual(
    named.filter((name) => name in env),
    [],
  );
  const notice = await rig.waitFor(({ type, level }) => type === 'notice' && level === 'warn');
  assert.match(
    String(notice.message),
    /service manager cannot be told .*NOTIFY_SOCKET=\/nonexistent\/notify.*systemd-notify/,
  );
});
