import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventFeed } from '../../src/event-feed.ts';

test('a reader gets every event from its beginning on, at its own pace, and then the end', async () => {
  const feed = new EventFeed<number>();
  feed.emit(0);
  const reader = feed.read();
  feed.emit(1);
  const early = reader.next();
  const waiting = reader.next();
  feed.emit(2);
  feed.emit(3);
  feed.end();
  assert.deepEqual([(await early).value, (await waiting).value], [1, 2]);
  const rest: number[] = [];
  for await (const event of reader) rest.push(event);
  assert.deepEqual(rest, [3]);
  assert.equal((await feed.read().next()).done, true);
});

test('a reader that leaves early is forgotten; listeners hear until they are taken off', async () => {
  const feed = new EventFeed<number>();
  const heard: number[] = [];
  const listener = (event: number) => heard.push(event);
  feed.on(listener);
  const reading = (async () => {
    for await (const event of feed.read()) return event;
    return null;
  })();
  feed.emit(1);
  assert.equal(await reading, 1);
  feed.off(listener);
  feed.emit(2);
  assert.deepEqual(heard, [1]);
});
