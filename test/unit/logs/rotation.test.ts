// What becomes of log files and their numbers, on a real disk.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FileOutlet } from '../../../src/logs/workers/outlets.ts';
import { rotate } from '../../../src/logs/workers/rotation.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tutti-rotation-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function texts(dir: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(dir)
      .sort()
      .map((name) => {
        const bytes = readFileSync(join(dir, name));
        return [name, (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()];
      }),
  );
}

test('the file becomes the first, the others move up, and those above the number to keep go', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'web.log');
  for (const text of ['one', 'two', 'three', 'four']) {
    writeFileSync(file, text);
    await (await rotate(file, 2)).compressed;
  }
  assert.deepEqual(texts(dir), { 'web.log.1.gz': 'four', 'web.log.2.gz': 'three' });
});

test('what could not be compressed before moves up as it is, and nothing is kept if nothing is to be', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'web.log');
  writeFileSync(file, 'now');
  writeFileSync(`${file}.1`, 'plain');
  await (await rotate(file, 3)).compressed;
  assert.deepEqual(texts(dir), { 'web.log.1.gz': 'now', 'web.log.2': 'plain' });
  writeFileSync(file, 'gone');
  await (await rotate(file, 0)).compressed;
  assert.deepEqual(Object.keys(texts(dir)), ['web.log.1.gz', 'web.log.2']);
});

test('a compression that fails leaves the rotated file, and no piece of another', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'web.log');
  writeFileSync(file, 'text');
  mkdirSync(`${file}.1.gz.part`);
  await (await rotate(file, 2)).compressed;
  assert.equal(readFileSync(`${file}.1`, 'utf8'), 'text');
  assert.equal(readdirSync(dir).includes('web.log.1.gz'), false);
});

const small = { maxSizeBytes: 10, maxAgeMs: null, keep: 1 };
const silent = (message: string) => assert.fail(message);

test('a file that is large enough rotates after a whole write, and goes on under its name', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'deep/er/web.log');
  const outlet = new FileOutlet({ file, ...small }, silent);
  await outlet.open();
  t.after(() => outlet.close());
  await outlet.write(Buffer.from('12345\n'));
  await outlet.write(Buffer.from('67890\n'));
  await outlet.write(Buffer.from('next\n'));
  assert.equal(readFileSync(file, 'utf8'), 'next\n');
});

test('a file that another renamed or removed is not the one of that name any more; one that was emptied is', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'web.log');
  const outlet = new FileOutlet({ file, ...small }, silent);
  await outlet.open();
  t.after(() => outlet.close());
  await outlet.write(Buffer.from('12345678\n'));
  writeFileSync(file, '');
  assert.equal(await outlet.look(), true);
  // It counts from nothing again.
  await outlet.write(Buffer.from('abc\n'));
  assert.equal(readFileSync(file, 'utf8'), 'abc\n');
  rmSync(file);
  assert.equal(await outlet.look(), false);
  writeFileSync(file, 'of another');
  assert.equal(await outlet.look(), false);
  await outlet.open();
  assert.equal(await outlet.look(), true);
});

test('a rotation that fails is told and not tried with every line; nothing is lost', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'web.log');
  // A folder that is not empty stands where the rotated file is to be.
  mkdirSync(join(dir, 'web.log.1', 'x'), { recursive: true });
  const told: string[] = [];
  const outlet = new FileOutlet({ file, ...small }, (message) => told.push(message));
  await outlet.open();
  t.after(() => outlet.close());
  for (let line = 0; line < 3; line += 1) await outlet.write(Buffer.from('0123456789\n'));
  assert.equal(told.length, 1, told.join('\n'));
  assert.equal(readFileSync(file, 'utf8'), '0123456789\n'.repeat(3));
});

test('a device is written to and never renamed', async () => {
  const outlet = new FileOutlet({ file: '/dev/null', ...small }, silent);
  await outlet.open();
  for (let line = 0; line < 3; line += 1) assert.equal(await outlet.write(Buffer.from('0123456789\n')), 11);
  assert.equal(await outlet.look(), true);
  await outlet.close();
  await assert.rejects(outlet.write(Buffer.from('x')), /not open/);
});
