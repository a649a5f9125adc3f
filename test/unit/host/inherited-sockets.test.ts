import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type InheritedSocket,
  matches,
  socketsFromServiceManager,
} from '../../../src/host/sockets/inherited-sockets.ts';
import type { ListenRequest } from '../../../src/protocol/messages.ts';
import { parseTakeover } from '../../../src/protocol/takeover.ts';

const tcp = (more: Partial<InheritedSocket> = {}): InheritedSocket => ({
  ...{ fd: 3, index: null, kept: true, protocol: 'tcp', address: '::', port: 80, path: null },
  ...more,
});
const asks = (more: Partial<ListenRequest> = {}): ListenRequest => ({
  ...{ address: '::', port: 80, addressType: 6, fd: null, flags: 0, backlog: null, index: 0 },
  ...more,
});
const unix = (path: string): InheritedSocket => tcp({ protocol: 'unix', address: null, port: null, path });
const asksPath = (address: string): ListenRequest => asks({ address, port: -1, addressType: -1 });

test('a socket belongs to the request of its very address', () => {
  assert.ok(matches(tcp(), asks()));
  assert.ok(!matches(tcp(), asks({ port: 81 })));
  assert.ok(!matches(tcp(), asks({ address: '127.0.0.1', addressType: 4 })), 'a wildcard is not each address');
  assert.ok(!matches(tcp({ address: '0.0.0.0' }), asks()), 'one family is not the other');
  assert.ok(matches(tcp({ address: '::1' }), asks({ address: '0:0:0:0:0:0:0:1' })), 'however it is spelt');
});

test('a protocol is not another', () => {
  const udp = tcp({ protocol: 'udp', address: '0.0.0.0' });
  assert.ok(matches(udp, asks({ address: '0.0.0.0', addressType: 'udp4' })));
  assert.ok(!matches(udp, asks({ address: '0.0.0.0', addressType: 4 })));
  assert.ok(!matches(tcp(), asks({ addressType: 'udp6' })));
});

test('of those on port 0 the n-th request takes the n-th', () => {
  const second = tcp({ port: 40_123, index: 1, kept: false });
  assert.ok(matches(second, asks({ port: 0, index: 1 })));
  assert.ok(!matches(second, asks({ port: 0, index: 0 })));
  assert.ok(!matches(tcp({ port: 40_123 }), asks({ port: 0, index: 0 })), 'one that was named is nobody’s any port');
});

test('a descriptor is asked for by its number', () => {
  assert.ok(matches(tcp({ fd: 4 }), asks({ fd: 4, address: null, port: null, addressType: null })));
  assert.ok(!matches(tcp({ fd: 3 }), asks({ fd: 4, address: null, port: null, addressType: null })));
});

test('paths are compared as places, names in the abstract space as they are', () => {
  assert.ok(matches(unix('/run/app/../app/a.sock'), asksPath('/run/app/a.sock')));
  assert.ok(matches(unix('\0name'), asksPath('\0name')));
  assert.ok(!matches(unix('\0name'), asksPath('\0other')));
  assert.ok(!matches(unix('/name'), asksPath('\0name')));
});

test('LISTEN_FDS counts for the process that LISTEN_PID names', () => {
  const two = socketsFromServiceManager({ LISTEN_FDS: '2', LISTEN_PID: '7' }, 7);
  assert.deepEqual(
    two.map(({ fd, kept }) => [fd, kept]),
    [
      [3, true],
      [4, true],
    ],
  );
  for (const env of [
    { LISTEN_FDS: '2', LISTEN_PID: '8' },
    { LISTEN_FDS: '2' },
    { LISTEN_FDS: '-1', LISTEN_PID: '7' },
    { LISTEN_FDS: '9e9', LISTEN_PID: '7' },
  ])
    assert.deepEqual(socketsFromServiceManager(env, 7), []);
});

test('a takeover of another version, or a broken one, is none', () => {
  const good = {
    schema: 1,
    reason: 'upgrade',
    name: 'app',
    from: { pid: 1, born: '2' },
    generation: 3,
    sockets: [{ fd: 4, index: null, kept: false }],
  };
  assert.deepEqual(parseTakeover(JSON.stringify(good)), good);
  for (const bad of [
    { schema: 2 },
    { reason: 'whim' },
    { from: null },
    { generation: -1 },
    { sockets: [{ fd: 'x', index: null, kept: true }] },
    { sockets: 3 },
  ])
    assert.equal(parseTakeover(JSON.stringify({ ...good, ...bad })), null, JSON.stringify(bad));
  assert.equal(parseTakeover('{'), null);
});
