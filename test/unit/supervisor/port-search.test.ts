import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortSearch } from '../../../src/supervisor/vocabulary/inputs.ts';
import { type Process, World } from './fake-world.ts';

/** Says on which ports a worker listens, and how it came by them. */
function listen(world: World, process: Process, ports: number[], search: Partial<PortSearch> = {}): void {
  const listeners = ports.map((port) => ({ protocol: 'tcp' as const, address: '::', port }));
  world.send({
    type: 'worker-listening',
    worker: process.id,
    listeners,
    search: { missed: [], chosen: [], ...search },
  });
}

function reloading(ports: number[], search: Partial<PortSearch>, old: number[] = [8000]) {
  const world = new World({ canaryTimeMs: 1_000 }).start().run(10_000);
  for (const slot of [0, 1]) listen(world, world.inSlot(slot), old);
  const id = world.command({ type: 'reload' });
  world.run(200);
  const canary = [...world.processes.values()].find(({ generation }) => generation === 2);
  assert.ok(canary);
  listen(world, canary, ports, search);
  return { world, id, canary };
}

test('a canary that found its own app on the port it wanted fails the reload, with the remedy', () => {
  for (const search of [{ missed: [8000] }, { chosen: [8001] }]) {
    const { world, id } = reloading([8001], search);
    world.run(10_000);
    const result = world.answer(id);
    assert.ok(result.outcome === 'failed');
    assert.match(result.reason, /port 8001 instead of 8000, where it found its own app.*fixed/);
  }
});

test('a canary may open the right port a little later', () => {
  const { world, id, canary } = reloading([8001], { chosen: [8001] });
  world.run(1_500);
  listen(world, canary, [8001, 8000], { chosen: [8001] });
  world.run(10_000);
  assert.equal(world.answer(id).outcome, 'done');
});

test('code that means to listen elsewhere, or on one port beside the common one, is reloaded', () => {
  const ways: [number[], Partial<PortSearch>, number[]][] = [
    [[9000], {}, [8000]],
    [[9000, 40_001], { chosen: [40_001] }, [8000, 40_000]],
    [[8000, 9100], {}, [8000]],
    [[8000], { missed: [9100] }, [8000, 9100]],
    [[8000], { chosen: [8000] }, [8000]],
  ];
  for (const [ports, search, old] of ways) {
    const { world, id } = reloading(ports, search, old);
    world.run(10_000);
    assert.equal(world.answer(id).outcome, 'done', JSON.stringify({ ports, search, old }));
  }
});

function told(ports: number[][], search: Partial<PortSearch>[] = []) {
  const world = new World({ workers: { min: ports.length, max: ports.length } }).start().run(150);
  ports.forEach((each, slot) => {
    listen(world, world.inSlot(slot), each, search[slot]);
  });
  world.run(10_000);
  return world.eventsOf('ports-differ');
}

test('workers without a common port are told once, the one that strayed by name', () => {
  const strayed = told([[8000], [8000], [8001], [8002]], [{}, {}, { missed: [8000] }, { missed: [8000, 8001] }]);
  assert.deepEqual(
    strayed.map(({ slot, wanted }) => ({ slot, wanted })),
    [{ slot: 2, wanted: 8000 }],
  );
  assert.equal(told([[8000], [40_001]], [{}, { chosen: [40_001] }])[0]?.wanted, 8000);
  assert.equal(told([[8000], [9000]])[0]?.wanted, null);
});

test('ports of one place each, an extra port of the first, and one shared port of any number are no mistake', () => {
  assert.deepEqual(told([[8000], [8001], [8002]]), []);
  assert.deepEqual(told([[8000, 9100], [8000]]), []);
  assert.deepEqual(told([[40_001], [40_001]], [{ chosen: [40_001] }, { chosen: [40_001] }]), []);
});
