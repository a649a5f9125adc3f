// Recycling by limits: what counts as memory, and what keeps it from becoming all that the app does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Process, World } from './fake-world.ts';

const limit = 100e6;

function grow(process: Process, rssBytes: number): void {
  process.beat = { ...process.beat, rssBytes };
}

test('memory that is shared with others does not count; it is measured only when resident size is over the limit', () => {
  const world = new World({ maxMemoryBytes: limit }).start().run(5_000);
  const measured = () => world.actions.filter(({ action }) => action.type === 'measure-memory').length;
  assert.equal(measured(), 0);
  world.pssOf = () => 80e6;
  grow(world.inSlot(0), 120e6);
  world.run(30_000);
  assert.equal(world.eventsOf('recycled').length, 0);
  assert.ok(measured() >= 5 && measured() <= 11, `${measured()} looks in 30 s`);
  world.pssOf = () => 111e6;
  world.run(5_000);
  assert.equal(world.eventsOf('recycled').length, 1);
  assert.match(world.eventsOf('recycled')[0]?.reason ?? '', /uses 106 MB of memory, more than \d+ MB/);
});

test('workers that reach their limit at once: told once, and each lives for 30 s from then on', () => {
  const world = new World({ maxMemoryBytes: limit }).start();
  world.watch = () => {
    for (const process of world.serving()) process.beat.rssBytes = 200e6;
  };
  world.run(300_000);
  assert.equal(world.eventsOf('notice').length, 1);
  assert.match(world.eventsOf('notice')[0]?.message ?? '', /3 workers in a row had to be recycled within a minute/);
  const recycled = world.eventsOf('recycled').length;
  assert.ok(recycled >= 15 && recycled <= 3 + 2 * 10, `${recycled} recycles in 300 s`);
});

test('a slow leak is no alarm', () => {
  const world = new World({ maxMemoryBytes: limit }).start();
  world.watch = () => {
    for (const process of world.serving()) {
      process.beat.rssBytes = 50e6 + Math.max(0, world.now() - process.forkedAt) * 500;
    }
  };
  world.run(600_000);
  assert.ok(world.eventsOf('recycled').length >= 8);
  assert.equal(world.eventsOf('notice').length, 0);
});

test('a worker that sent what cannot be used is replaced, its successor first; a second fault of it is not told again', () => {
  const world = new World().start().run(20_000);
  const faulty = world.inSlot(0);
  for (let i = 0; i < 3; i += 1) world.send({ type: 'worker-faulty', worker: faulty.id, detail: 'a: b is not a text' });
  world.run(10_000);
  assert.deepEqual(
    world.eventsOf('worker-faulty').map(({ detail }) => detail),
    ['a: b is not a text'],
  );
  assert.match(world.eventsOf('recycled')[0]?.reason ?? '', /it sent what tutti cannot use \(a: b is not a text\)/);
  assert.notEqual(world.inSlot(0).id, faulty.id);
  assert.equal(faulty.ordered, 'terminate');
});

test('workers that all send what cannot be used: told once, and each lives for 30 s from then on', () => {
  const world = new World().start();
  const told = new Set<number>();
  world.watch = () => {
    for (const { id } of world.serving().filter((process) => !told.has(process.id))) {
      told.add(id);
      world.send({ type: 'worker-faulty', worker: id, detail: 'a: it is unknown here' });
    }
  };
  world.run(300_000);
  assert.match(world.eventsOf('notice')[0]?.message ?? '', /what runs in them disturbs their channel to tutti/);
  assert.equal(world.eventsOf('notice').length, 1);
  const recycled = world.eventsOf('recycled').length;
  assert.ok(recycled >= 15 && recycled <= 3 + 2 * 10, `${recycled} recycles in 300 s`);
});

test('a worker that sends what cannot be used before it is ready has failed to start', () => {
  const world = new World().start();
  const [first] = [...world.processes.values()];
  assert.ok(first);
  world.send({ type: 'worker-faulty', worker: first.id, detail: 'a: it is unknown here' });
  world.run(1_000);
  const exit = world.eventsOf('worker-exit')[0];
  assert.equal(exit?.reason, 'never-ready');
  assert.match(exit?.detail ?? '', /it sent what tutti cannot use/);
});
