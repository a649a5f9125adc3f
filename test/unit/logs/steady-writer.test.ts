import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SteadyWriter } from '../../../src/logs/own/steady-writer.ts';
import { eventually } from '../../support/eventually.ts';

const explain = (dropped: number) => `dropped ${dropped}\n`;

function pipe() {
  const dir = mkdtempSync(join(tmpdir(), 'tutti-pipe-'));
  const path = join(dir, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  const read = (): string => {
    const chunk = Buffer.alloc(65_536);
    try {
      return chunk.toString('utf8', 0, readSync(reader, chunk));
    } catch {
      // EAGAIN: nothing there now.
      return '';
    }
  };
  return { reader, writer, read, remove: () => rmSync(dir, { recursive: true }) };
}

test('a reader that stands still stops nobody; it gets what was kept, in order, and the count of the rest', async () => {
  const { reader, writer, read, remove } = pipe();
  const steady = new SteadyWriter({
    fd: writer,
    otherwise: () => assert.fail('the pipe can be opened again'),
    explain,
  });
  const line = (n: number) => `${String(n).padStart(99, '0')}\n`;
  const lines = 30_000;
  // On a blocking descriptor this would hang for ever: nobody reads.
  for (let n = 0; n < lines; n++) steady.write(line(n));
  let got = '';
  await eventually('the count of dropped lines', () => {
    for (let chunk = read(); chunk !== ''; chunk = read()) got += chunk;
    return got.includes('dropped');
  });
  await steady.end();
  const received = got.trimEnd().split('\n');
  const dropped = Number(/dropped (\d+)/.exec(received.pop() ?? '')?.[1]);
  assert.equal(received.length + dropped, lines);
  received.forEach((text, n) => {
    assert.equal(Number(text), n);
  });
  closeSync(reader);
  closeSync(writer);
  remove();
});

test('a reader that has gone is no error', async () => {
  const { reader, writer, remove } = pipe();
  const steady = new SteadyWriter({ fd: writer, otherwise: () => assert.fail('nothing is left to write to'), explain });
  closeSync(reader);
  steady.write('hello\n');
  steady.write('again\n');
  await steady.end();
  closeSync(writer);
  remove();
});

test('the end waits for a slow reader, and not for one that stands still', async () => {
  const { reader, writer, remove } = pipe();
  const steady = new SteadyWriter({ fd: writer, otherwise: () => undefined, explain });
  steady.write('x'.repeat(100_000));
  await steady.end();
  closeSync(reader);
  closeSync(writer);
  remove();
});

test('what cannot be opened again is written as ever', async () => {
  const written: string[] = [];
  const steady = new SteadyWriter({ fd: -1, otherwise: (text) => written.push(String(text)), explain });
  steady.write('hello\n');
  await steady.end();
  assert.deepEqual(written, ['hello\n']);
});

test('a full disk is no error: what came meanwhile is written when there is room, with the count of what was too much', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tutti-steady-'));
  const path = join(dir, 'own.log');
  const fd = openSync(path, 'a');
  let isFull = true;
  const steady = new SteadyWriter({ fd, otherwise: () => assert.fail('it is a file'), explain }, (file, bytes) => {
    if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    return writeSync(file, bytes);
  });
  const lines = 30_000;
  for (let n = 0; n < lines; n++) steady.write(`${String(n).padStart(99, '0')}\n`);
  isFull = false;
  const received = await eventually('the count', () => {
    const text = readFileSync(path, 'utf8');
    return text.includes('dropped') ? text.trimEnd().split('\n') : null;
  });
  steady.write('after\n');
  await steady.end();
  closeSync(fd);
  const dropped = Number(/dropped (\d+)/.exec(received.pop() ?? '')?.[1]);
  assert.ok(dropped > 0);
  assert.equal(received.length + dropped, lines);
  assert.match(readFileSync(path, 'utf8'), /dropped \d+\nafter\n$/);
  rmSync(dir, { recursive: true });
});

test('the end does not wait for a full disk', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tutti-steady-'));
  const fd = openSync(join(dir, 'own.log'), 'a');
  const steady = new SteadyWriter({ fd, otherwise: () => undefined, explain }, () => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  });
  steady.write('hello\n');
  await steady.end();
  closeSync(fd);
  rmSync(dir, { recursive: true });
});
