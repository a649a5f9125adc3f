// With ip-hash: all clients come from one address, which is told once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from './fake-world.ts';

const told = (world: World): string[] => world.eventsOf('one-client').map(({ address }) => address);

test('a worker whose clients all have one address is told of once, and the snapshot names it', () => {
  const world = new World({ balance: 'ip-hash' }).start().run(5_000);
  for (const worker of [1, 2, 1]) world.send({ type: 'worker-clients', worker, address: '10.0.0.9' });
  assert.deepEqual(told(world), ['10.0.0.9']);
  world.send({ type: 'worker-clients', worker: 1, address: null });
});

test('where any worker has met two addresses, nothing is told, also after a quiet night', () => {
  const world = new World({ balance: 'ip-hash' }).start().run(5_000);
  world.send({ type: 'worker-clients', worker: 2, address: null });
  world.send({ type: 'worker-clients', worker: 1, address: '10.0.0.9' });
  assert.deepEqual(told(world), []);
});
