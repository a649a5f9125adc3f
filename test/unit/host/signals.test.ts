import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { installSignals, type SignalCommands, signalTable } from '../../../src/host/signals.ts';

function recorder(): { calls: string[]; commands: SignalCommands } {
  const calls: string[] = [];
  return {
    calls,
    commands: {
      stop: (fast, reason) => calls.push(`stop ${fast ? 'fast' : 'graceful'} ${reason}`),
      reload: (reason) => calls.push(`reload ${reason}`),
      scale: (by) => calls.push(`scale ${by}`),
      reopenLogs: () => calls.push('reopen logs'),
      upgrade: () => calls.push('upgrade'),
    },
  };
}

test('each signal is a command; the second interrupt does not wait', () => {
  const { calls, commands } = recorder();
  const table = signalTable(false);
  const signals = [
    'SIGINT',
    'SIGINT',
    'SIGTERM',
    'SIGQUIT',
    'SIGHUP',
    'SIGTTIN',
    'SIGTTOU',
    'SIGUSR1',
    'SIGUSR2',
  ] as const;
  for (const signal of signals) table[signal]?.(commands, signal);
  assert.deepEqual(calls, [
    'stop graceful SIGINT',
    'stop fast second SIGINT',
    'stop graceful SIGTERM',
    'stop fast SIGQUIT',
    'reload SIGHUP',
    'scale 1',
    'scale -1',
    'reopen logs',
    'upgrade',
  ]);
});

test('on a terminal a hang-up stops', () => {
  const { calls, commands } = recorder();
  signalTable(true).SIGHUP?.(commands, 'SIGHUP');
  assert.deepEqual(calls, ['stop graceful SIGHUP']);
});

test('installing is undone completely', async () => {
  const before = process.listenerCount('SIGTTIN');
  const { calls, commands } = recorder();
  const seen: string[] = [];
  const uninstall = installSignals({ SIGTTIN: (to) => to.scale(1) }, commands, (signal) => seen.push(signal));
  const arrived = once(process, 'SIGTTIN');
  // A signal that is waited for does not keep the process alive.
  const awake = setTimeout(() => {}, 10_000);
  process.kill(process.pid, 'SIGTTIN');
  await arrived;
  clearTimeout(awake);
  assert.deepEqual([seen, calls], [['SIGTTIN'], ['scale 1']]);
  uninstall();
  assert.equal(process.listenerCount('SIGTTIN'), before);
});
