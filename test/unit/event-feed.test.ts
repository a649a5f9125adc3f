import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventFeed } from '../../src/app/event-feed.ts';

test('a reader gets every event from its beginning on, at its own pace, and then the end', async () => {
  const feed = new EventFeed<number>();
  feed.push(0);
  const reader = feed.read();
  feed.push(1);
  const early = reader.next();
  const waiting = reader.next();
  feed.push(2);
  feed.push(3);
  feed.end();
  assert.deepEqual([(await early).value, (await waiting).value], [1, 2]);
  const rest: number[] = [];
  for await (const event of reader) rest.push(event);
  assert.deepEqual(rest, [3]);
  assert.equal((await feed.read().next()).done, true);
});

test('a reader that leaves early is forgotten', async () => {
  const feed = new EventFeed<number>();
  const reading = (async () => {
    for await (const event of feed.read()) return event;
    return null;
  })();
  feed.push(1);
  assert.equal(await reading, 1);
  feed.push(2);
  assert.equal((await feed.read().return?.())?.done, true);
});
