import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeNotifyDescriptor } from '../../../src/host/service/notify-socket.ts';
import { takeServiceVariables, watchdogMs, withoutServiceVariables } from '../../../src/host/service/variables.ts';

test('the variables are taken out, and an empty one means nothing', () => {
  const env = { PATH: '/bin', NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '' };
  assert.deepEqual(takeServiceVariables(env), { NOTIFY_SOCKET: '/run/notify' });
  assert.deepEqual(env, { PATH: '/bin' });
  assert.deepEqual(withoutServiceVariables({ A: '1', WATCHDOG_PID: '7' }), { A: '1' });
});

test('the watchdog is for the process that it names', () => {
  assert.equal(watchdogMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7), 30_000);
  assert.equal(watchdogMs({ WATCHDOG_USEC: '30000000' }, 7), 30_000);
  assert.equal(watchdogMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, 7), null);
  for (const odd of ['0', '-1', 'soon', 'Infinity']) assert.equal(watchdogMs({ WATCHDOG_USEC: odd }, 7), null);
  assert.equal(watchdogMs({}, 7), null);
});

test('a descriptor is used only if it is ours, has the name, and is a socket', () => {
  const named = { LISTEN_FDS: '2', LISTEN_PID: '7', LISTEN_FDNAMES: 'web.socket:tutti-notify' };
  assert.equal(takeNotifyDescriptor({ ...named, LISTEN_PID: '8' }, 7), null);
  assert.equal(takeNotifyDescriptor({ ...named, LISTEN_FDNAMES: 'web.socket' }, 7), null);
  assert.equal(takeNotifyDescriptor({ ...named, LISTEN_FDS: '1' }, 7), null);
  const far = { LISTEN_FDS: '99', LISTEN_PID: '7', LISTEN_FDNAMES: `${'a:'.repeat(98)}tutti-notify` };
  assert.equal(takeNotifyDescriptor(far, 7), null);
});

test('an application does not take the descriptor for a socket to listen on', () => {
  const both = { LISTEN_FDS: '2', LISTEN_PID: '7', LISTEN_FDNAMES: 'web.socket:tutti-notify' };
  takeNotifyDescriptor(both, 7);
  assert.deepEqual(both, { LISTEN_FDS: '1', LISTEN_PID: '7', LISTEN_FDNAMES: 'web.socket' });
  const alone = { LISTEN_FDS: '1', LISTEN_PID: '7', LISTEN_FDNAMES: 'tutti-notify' };
  takeNotifyDescriptor(alone, 7);
  assert.deepEqual(alone, {});
});
