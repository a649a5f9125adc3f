import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '../../../src/host/sockets/open-socket.ts';
import { atSlot } from '../../../src/host/sockets/slot-ports.ts';
import type { ListenRequest } from '../../../src/protocol/messages.ts';

const asks = (more: Partial<ListenRequest> = {}): ListenRequest => ({
  ...{ address: '::', port: 3000, addressType: 6, fd: null, flags: 0, backlog: null, index: 0 },
  ...more,
});

test('a slot adds its number to a TCP port', () => {
  assert.equal(atSlot(asks(), 0).port, 3000);
  assert.equal(atSlot(asks(), 3).port, 3003);
  assert.equal(atSlot(asks({ address: null, addressType: 4 }), 3).port, 3003);
  assert.equal(atSlot(asks({ port: 65_535 }), 1).port, 65_536, 'nobody can have it, and the binder says so');
});

test('what has no port to count from is shared: a path, a descriptor, a UDP port', () => {
  for (const shared of [
    asks({ address: '/run/app.sock', port: -1, addressType: -1 }),
    asks({ address: null, port: null, addressType: null, fd: 3 }),
    asks({ addressType: 'udp4' }),
  ])
    assert.deepEqual(atSlot(shared, 3), shared);
});

test('slot 0 has the socket that all have with another balance; the others have theirs', () => {
  assert.equal(keyOf(atSlot(asks(), 0)), keyOf(atSlot(asks(), null)));
  const keys = [0, 1, 2].map((slot) => keyOf(atSlot(asks({ port: 0 }), slot)));
  assert.equal(new Set(keys).size, 3);
  const second = keyOf(atSlot(asks({ port: 0, index: 1 }), 0));
  assert.ok(!keys.includes(second), 'nor is it the second listen on any port');
});

test('where the ports of two servers meet, each has a name of its own', () => {
  assert.notEqual(keyOf(atSlot(asks({ port: 3000 }), 1)), keyOf(atSlot(asks({ port: 3001 }), 0)));
});
