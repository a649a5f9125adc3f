import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TerminalLabels } from '../../../src/logs/workers/terminal-labels.ts';

function labels() {
  const written: string[] = [];
  const sink = new TerminalLabels(false, (stream, text) => {
    written.push(`${stream} ${text.toString()}`);
  });
  return { written, sink };
}

test('lines stay whole, whatever the chunks, and do not mix between workers and streams', () => {
  const { written, sink } = labels();
  const push = (slot: number, stream: 'stdout' | 'stderr', text: string) =>
    sink.push({ slot, pid: 100 + slot, stream, chunk: Buffer.from(text) });
  push(0, 'stdout', 'hel');
  push(1, 'stdout', 'other\n');
  push(0, 'stderr', 'oops\n');
  push(0, 'stdout', 'lo\nnext\n');
  assert.deepEqual(written, ['stdout [1] other\n', 'stderr [0] oops\n', 'stdout [0] hello\n', 'stdout [0] next\n']);
});

test('characters of several bytes are not cut', () => {
  const { written, sink } = labels();
  const bytes = Buffer.from('größe ♞\n');
  for (const byte of bytes) sink.push({ slot: 3, pid: 7, stream: 'stdout', chunk: Buffer.from([byte]) });
  assert.deepEqual(written, ['stdout [3] größe ♞\n']);
});

test('what a worker wrote without a newline is shown when it ends', () => {
  const { written, sink } = labels();
  sink.push({ slot: null, pid: 7, stream: 'stderr', chunk: Buffer.from('last words') });
  assert.deepEqual(written, []);
  sink.ended(7);
  sink.ended(7);
  assert.deepEqual(written, ['stderr [spare] last words\n']);
});
