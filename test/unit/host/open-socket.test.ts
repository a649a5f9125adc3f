// The key of a socket is read on both sides of the process wall, and by a successor: what it says of a request must be the same everywhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  handedOf,
  isFromOutside,
  keyOf,
  listenerOf,
  type OpenSocket,
  placesOf,
  shownName,
  standsInTheWay,
} from '../../../src/host/sockets/open-socket.ts';
import { atSlot, type PlacedRequest } from '../../../src/host/sockets/slot-ports.ts';
import type { ListenRequest } from '../../../src/protocol/messages.ts';
import { handedSockets } from '../../../src/worker/orphan/handed-sockets.ts';
import '../../support/seed.ts';

const asked: ListenRequest = {
  ...{ address: '127.0.0.1', port: 8080, addressType: 4, fd: null, flags: 0, backlog: null, index: 0 },
};

function open(request: PlacedRequest, more: object = {}): OpenSocket {
  const bound = { kind: 'tcp', handle: { fd: 17 }, name: { address: '127.0.0.1', port: request.port ?? 0 }, ...more };
  return { key: keyOf(request), request, bound, holders: new Set() } as never;
}

const requests: fc.Arbitrary<PlacedRequest> = fc
  .record({
    address: fc.constantFrom(null, '127.0.0.1', '::', '::1', '/run/a|b.sock', '\0abstract'),
    port: fc.constantFrom(null, 0, 80, 8080, 65_535),
    addressType: fc.constantFrom(4, 6, -1, 'udp4', 'udp6', null),
    fd: fc.constantFrom(null, 0, 3, 17),
    flags: fc.nat(7),
    backlog: fc.constantFrom(null, 511),
    index: fc.nat(5),
    slot: fc.option(fc.nat(9), { nil: null }),
  })
  .map(({ slot, ...request }) => atSlot(request as ListenRequest, slot));

test('an orphan hands on what the primary would', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const socket = open(request);
      const { fd, index, kept } = handedOf(socket);
      const copies = new Map([[socket.key, { fd: 17 }]]);
      assert.deepEqual(handedSockets(new Map(), copies), [{ fd, index, kept }]);
      const servers = new Map([[socket.key, { handle: { fd: 17, dispatched: false } }]]);
      assert.deepEqual(handedSockets(servers, new Map()), [{ fd, index, kept }]);
    }),
  );
});

test('an orphan hands on nothing where the primary accepted, and no socket that it has no copy of', () => {
  const [first, second] = [keyOf(asked), keyOf({ ...asked, port: 8081 })];
  const server = (fd: number, dispatched: boolean) => ({ handle: { fd, dispatched } });
  const mixed = new Map([
    [first, server(17, false)],
    [second, server(18, true)],
  ]);
  assert.equal(handedSockets(mixed, new Map()), null);
  assert.deepEqual(handedSockets(new Map([[first, server(-1, false)]]), new Map([[second, { fd: -1 }]])), []);
});

test('requests for different sockets have different keys, and the same one for each of its workers', () => {
  fc.assert(
    fc.property(requests, requests, (a, b) => {
      const what = ({ address, port, addressType, fd, flags, index, slot }: PlacedRequest) =>
        JSON.stringify([address, port, addressType, fd, flags, port === 0 ? index : null, slot || 0]);
      assert.equal(keyOf(a) === keyOf(b), what(a) === what(b));
    }),
  );
});

test('without a host both families are tried, IPv6 first; with one, or a descriptor, only that', () => {
  const places = placesOf({ ...asked, address: null, addressType: null });
  assert.deepEqual(
    places.map(({ address, addressType, port }) => [address, addressType, port]),
    [
      ['::', 6, 8080],
      ['0.0.0.0', 4, 8080],
    ],
  );
  for (const one of [asked, { ...asked, address: null, fd: 3 }]) assert.deepEqual(placesOf(one), [one]);
});

test('the application sees the port that it asked for, and beside it the one of its slot', () => {
  assert.deepEqual(shownName(open(atSlot(asked, 0))), { name: { address: '127.0.0.1', port: 8080 } });
  assert.deepEqual(shownName(open(atSlot(asked, 3))), {
    ...{ name: { address: '127.0.0.1', port: 8080 }, slotPort: 8083 },
  });
  // Which one the system chose is the only truth on port 0.
  const chosen = open(atSlot({ ...asked, port: 0 }, 3), { name: { address: '127.0.0.1', port: 40_000 } });
  assert.deepEqual(shownName(chosen), { name: { address: '127.0.0.1', port: 40_000 } });
});

test('what stands in the way is a socket that nobody has, on the port or path that is asked for', () => {
  const wide = { ...asked, address: '::', addressType: 6 as const };
  assert.equal(standsInTheWay(open(asked), wide), true);
  assert.equal(standsInTheWay(open(asked), { ...wide, port: 8081 }), false);
  assert.equal(standsInTheWay(open({ ...asked, port: 0 }), { ...wide, port: 0 }), false, 'any port is free');
  const held = open(asked);
  held.holders.add({} as never);
  assert.equal(standsInTheWay(held, wide), false);
  const path = { ...asked, address: '/run/x', port: null, addressType: -1 as const };
  assert.equal(standsInTheWay(open(path), path), true);
  assert.equal(standsInTheWay(open(path), { ...path, address: '/run/y' }), false);
});

test('a descriptor that was handed down, or a socket that a service manager holds, is not ours alone', () => {
  assert.deepEqual([open(asked), open({ ...asked, fd: 3 }), open(asked, { kept: true })].map(isFromOutside), [
    false,
    true,
    true,
  ]);
});

test('a listener is told by what clients reach it by', () => {
  assert.deepEqual(listenerOf(open(asked)), { protocol: 'tcp', address: '127.0.0.1', port: 8080 });
  const path = { ...asked, address: '/run/x', port: null, addressType: -1 as const };
  assert.deepEqual(listenerOf(open(path, { kind: 'pipe' })), { protocol: 'unix', path: '/run/x' });
  assert.deepEqual(listenerOf(open({ ...path, address: null, fd: 5 }, { kind: 'pipe' })), {
    ...{ protocol: 'unix', path: 'fd 5' },
  });
  assert.deepEqual(listenerOf(open(asked, { kind: 'udp', name: null })), { protocol: 'udp' });
});
