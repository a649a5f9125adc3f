import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreadMessages } from '../../../src/host/process/unread-messages.ts';

function told(...messages: unknown[]): string[] {
  const sentences: string[] = [];
  const unread = new UnreadMessages((sentence) => sentences.push(sentence));
  for (const message of messages) unread.received(message);
  return sentences;
}

test('a kind that is known comes with its remedy, once', () => {
  const line = { topic: 'log4js:message', data: '{}' };
  const [first, ...more] = told(line, line, { topic: 'log4js:message', data: 'other' });
  assert.match(first ?? '', /every line is lost.*disableClustering: true/);
  assert.deepEqual(more, []);
});

test('every other kind is named by what it says of itself, or by its shape', () => {
  const cases: [unknown, RegExp][] = [
    [{ type: 'process:msg', data: {} }, /\(process:msg\)/],
    [{ channel: 'jobs' }, /\(jobs\)/],
    [{ hits: 1, misses: 2 }, /\(\{ hits, misses \}\)/],
    ['hello', /\("hello"\)/],
    [17, /\(number\)/],
    [null, /\(object\)/],
    [{ type: 3, topic: '' }, /\(\{ type, topic \}\)/],
  ];
  for (const [message, expected] of cases) assert.match(told(message).join(), expected);
});

test('an app that makes up kinds does not fill the log', () => {
  const many = Array.from({ length: 100 }, (_, i) => ({ type: `kind ${i}` }));
  assert.equal(told(...many).length, 5);
});
